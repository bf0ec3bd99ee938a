/* A torch tar, with every small tensor of it read. */
#include <stddef.h>
#include <stdint.h>

#include "format/torch_tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    eg_checkpoint_file file = {.mapping = {bytes, size, -1}};
    uint8_t out[4096];
    if (eg_torch_tar_is(bytes, size) && eg_torch_tar_read(&file, NULL))
        for (size_t i = 0; i < file.checkpoint.store.count; i++) {
            const eg_entry *entry = &file.checkpoint.store.entries[i];
            uint64_t numel = 0;
            if (eg_shape_numel(entry->shape, &numel) && numel * eg_dtype_size(entry->dtype) <= sizeof out)
                eg_entry_read(entry, out, NULL);
        }
    eg_arena_clear(&file.arena);
    return 0;
}
