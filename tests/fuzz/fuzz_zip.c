/* The zip directory and its records. */
#include <stddef.h>
#include <stdint.h>

#include "format/zip_directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    eg_arena arena = {0};
    eg_zip zip;
    if (eg_zip_open(&zip, &arena, bytes, size, NULL))
        for (size_t i = 0; i < zip.count; i++)
            eg_zip_read(&zip, &arena, &zip.entries[i], 1 << 20, i % 2, NULL);
    eg_arena_clear(&arena);
    return 0;
}
