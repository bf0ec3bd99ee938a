#include "base/crc32.h"

#include <libdeflate.h>
#include <zlib.h>

uint32_t eg_crc32(uint32_t crc, const void *bytes, size_t size)
{
    return libdeflate_crc32(crc, bytes, size);
}

uint32_t eg_crc32_join(uint32_t first, uint32_t second, uint64_t second_size)
{
    return (uint32_t)crc32_combine(first, second, (z_off_t)second_size);
}
