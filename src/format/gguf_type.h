/* The element types of GGUF files: plain ones, and blocks of quantized numbers with their scale.
 *
 *   Q8_0  32 numbers in 34 bytes   f16 d, i8 q[32]                    q d
 *   Q4_0  32 in 18                 f16 d, u4 q[32]                    (q - 8) d
 *   Q4_1  32 in 20                 f16 d, f16 m, u4 q[32]             q d + m
 *   Q5_0  32 in 22                 f16 d, u32 h, u4 q[32]             (q + 16 h - 16) d
 *   Q5_1  32 in 24                 f16 d, f16 m, u32 h, u4 q[32]      (q + 16 h) d + m
 *
 * Byte j of the 4-bit numbers holds number j in its low half and number j + 16 in its high half; bit j of h
 * is the fifth bit of number j. These come out as F32. Other block types are known by name and size alone.
 * Source: ggml, ggml-common.h and ggml-quants.c. */
#ifndef ENGRAFT_FORMAT_GGUF_TYPE_H
#define ENGRAFT_FORMAT_GGUF_TYPE_H

#include "engraft/tensor.h"

typedef struct eg_gguf_type {
    const char *name;
    uint32_t elements, bytes;                         /* of a block; plain types have blocks of one */
    eg_dtype dtype;                                   /* what it is read as; EG_DTYPE_COUNT: it is not read */
    void (*unpack)(const uint8_t *block, float *out); /* NULL: plain */
} eg_gguf_type;

/* NULL: there is no such type. */
const eg_gguf_type *eg_gguf_type_find(uint32_t number);

#endif
