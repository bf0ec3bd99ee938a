/* Element conversions. */
#ifndef ENGRAFT_TENSOR_CONVERT_H
#define ENGRAFT_TENSOR_CONVERT_H

#include "engraft/tensor.h"

/* Swaps the bytes of each element in place (complex numbers: of each half). */
void eg_swap_bytes(void *bytes, uint64_t numel, eg_dtype dtype);
bool eg_can_convert_f32(eg_dtype dtype);
/* Little-endian elements to float, rounded to nearest even. */
void eg_convert_f32(const void *bytes, eg_dtype dtype, float *out, uint64_t numel);
/* The same to double, for the dtypes that eg_can_convert_f32 names: exact for all but the largest 64-bit
 * integers. */
void eg_convert_f64(const void *bytes, eg_dtype dtype, double *out, uint64_t numel);

#endif
