/* A numpy array in a file, read when it is small. */
#include "format/npy.h"
#include "fuzz_tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    eg_checkpoint_file file = {.mapping = {bytes, size, -1}, .options = {.inspect = true}};
    return fuzz_tensors(&file, eg_npy_read(&file, NULL));
}
