/* Whole archives: torch zips, TorchScript, exported programs and npz, whatever their CRCs say. */
#include "fuzz_tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    eg_checkpoint_file file = {.mapping = {.bytes = bytes, .size = size, .fd = -1},
                               .options = {.no_verify = true, .inspect = size % 2},
                               .checkpoint = {.path = "", .state_dict = ""}};
    bool zip = size >= 4 && bytes[0] == 'P' && bytes[1] == 'K';
    return fuzz_tensors(&file, zip && eg_checkpoint_file_read(&file, NULL));
}
