/* A safetensors file, with every small tensor of it read. */
#include "format/safetensors.h"
#include "fuzz_tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    eg_checkpoint_file file = {.mapping = {bytes, size, -1}, .options = {.inspect = true}};
    return fuzz_tensors(&file, eg_safetensors_read(&file, NULL));
}
