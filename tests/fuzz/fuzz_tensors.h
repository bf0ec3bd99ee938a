/* What the targets of whole files share: every small tensor of what was read, then the arena. */
#ifndef ENGRAFT_TESTS_FUZZ_TENSORS_H
#define ENGRAFT_TESTS_FUZZ_TENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "format/checkpoint_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Ends a target: `read` is what the format's reader returned. */
static inline int fuzz_tensors(eg_checkpoint_file *file, bool read)
{
    uint8_t out[4096];
    float numbers[1024];
    for (size_t i = 0; read && i < file->checkpoint.store.count; i++) {
        const eg_entry *entry = &file->checkpoint.store.entries[i];
        uint64_t numel = 0;
        if (eg_shape_numel(entry->shape, &numel) && numel * eg_dtype_size(entry->dtype) <= sizeof out)
            eg_entry_read(entry, out, NULL);
        if (numel <= sizeof numbers / sizeof *numbers) eg_entry_read_f32(entry, numbers, NULL);
    }
    eg_arena_clear(&file->arena);
    return 0;
}

#endif
