#include "base/sha256.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

struct eg_sha256 {
    EVP_MD_CTX *context;
};

/* OpenSSL's digest calls fail only for want of memory. */
static void require(int ok)
{
    if (ok != 1) eg_size_product(SIZE_MAX, 2);
}

eg_sha256 *eg_sha256_new(void)
{
    eg_sha256 *sha = eg_malloc(sizeof *sha);
    sha->context = EVP_MD_CTX_new();
    require(sha->context && EVP_DigestInit_ex(sha->context, EVP_sha256(), NULL));
    return sha;
}

void eg_sha256_add(eg_sha256 *sha, const void *bytes, size_t size)
{
    require(EVP_DigestUpdate(sha->context, bytes, size));
}

void eg_sha256_finish(eg_sha256 *sha, char hex[65])
{
    unsigned char digest[32];
    require(EVP_DigestFinal_ex(sha->context, digest, NULL));
    for (int i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    EVP_MD_CTX_free(sha->context);
    free(sha);
}

void eg_sha256_hex(const void *bytes, size_t size, char hex[65])
{
    eg_sha256 *sha = eg_sha256_new();
    eg_sha256_add(sha, bytes, size);
    eg_sha256_finish(sha, hex);
}
