/* A legacy stream, with every small tensor of it read. */
#include "format/torch_legacy.h"
#include "fuzz_tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    eg_checkpoint_file file = {.mapping = {bytes, size, -1}};
    return fuzz_tensors(&file, eg_torch_legacy_read(&file, NULL));
}
