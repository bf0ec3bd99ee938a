/* Quantized tensors as floats. */
#ifndef ENGRAFT_TENSOR_QUANTIZATION_H
#define ENGRAFT_TENSOR_QUANTIZATION_H

#include "engraft/tensor.h"

/* (integer - zero point) * scale, to the bits that torch.dequantize gives: with one scale the product is one
 * of floats, with one a channel it is a double's. The entry has a quantization; out has room for its
 * elements. */
bool eg_dequantize(const eg_entry *entry, float *out, eg_error *err);
/* "scale 0.1, zero point 3" or "64 scales and zero points along axis 0", in the arena. */
const char *eg_quantization_text(eg_arena *arena, const eg_quantization *quantization);
/* True when the integers of both entries, which have one shape, stand for the same numbers; false, too, when
 * scales cannot be read. */
bool eg_quantization_equal(const eg_entry *a, const eg_entry *b);
/* Puts an F32 entry in the place of every entry with a quantization; its numbers are made when they are first
 * read and live as long as the arena. Equal views of one storage stay tied. */
void eg_store_dequantize(eg_store *store, eg_arena *arena);

#endif
