/* A pickle, and the state dict in it; storages are empty records of the right size. */
#include <stddef.h>
#include <stdint.h>

#include "format/state_dict.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    eg_arena arena = {0};
    for (int i = 0; i < 2; i++) {
        const eg_checkpoint_options options = {.inspect = i};
        eg_torch torch = {.arena = &arena};
        eg_checkpoint out = {0};
        torch.pickle = eg_pickle_parse(&arena, bytes, size, NULL, NULL);
        if (torch.pickle && eg_state_dict_references(torch.pickle, &options, &arena, &out, NULL) &&
            eg_torch_collect(&torch, NULL))
            eg_state_dict_extract(&torch, &options, &out, NULL);
    }
    eg_arena_clear(&arena);
    return 0;
}
