/* An ONNX model, with every small tensor of it read; there are no external files. */
#include "format/onnx.h"
#include "fuzz_tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    eg_checkpoint_file file = {.mapping = {bytes, size, -1}, .checkpoint.path = "/nowhere/model.onnx"};
    eg_onnx_is(bytes, size);
    return fuzz_tensors(&file, eg_onnx_read(&file, NULL));
}
