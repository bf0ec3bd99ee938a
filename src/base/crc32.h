/* CRC-32 as zip counts it (polynomial 0xEDB88320, start 0), by libdeflate: several times faster than zlib's.
 */
#ifndef ENGRAFT_BASE_CRC32_H
#define ENGRAFT_BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Continues a CRC; that of no bytes is 0. */
uint32_t eg_crc32(uint32_t crc, const void *bytes, size_t size);
/* The CRC of two runs of bytes one after the other, from that of each and the size of the second. */
uint32_t eg_crc32_join(uint32_t first, uint32_t second, uint64_t second_size);

#endif
