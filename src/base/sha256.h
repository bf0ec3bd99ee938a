/* SHA-256 through OpenSSL (which uses the processor's SHA instructions). The only file that knows openssl. */
#ifndef ENGRAFT_BASE_SHA256_H
#define ENGRAFT_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct eg_sha256 eg_sha256;

eg_sha256 *eg_sha256_new(void);
void eg_sha256_add(eg_sha256 *sha, const void *bytes, size_t size);
/* Writes 64 lower-case hex digits and a zero, and frees sha. */
void eg_sha256_finish(eg_sha256 *sha, char hex[65]);
/* All in one. */
void eg_sha256_hex(const void *bytes, size_t size, char hex[65]);

#endif
