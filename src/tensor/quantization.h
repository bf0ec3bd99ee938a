/* Quantized tensors as floats. */
#ifndef ENGRAFT_TENSOR_QUANTIZATION_H
#define ENGRAFT_TENSOR_QUANTIZATION_H

#include "engraft/tensor.h"

/* (integer - zero point) * scale in single precision, as torch.dequantize computes it. The entry has a
 * quantization; out has room for its elements. */
bool eg_dequantize(const eg_entry *entry, float *out, eg_error *err);

#endif
