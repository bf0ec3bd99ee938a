#include "format/gguf_type.h"

#include "tensor/convert.h"

enum { BLOCK = 32, HALF = BLOCK / 2 };

static float half_at(const uint8_t *bytes)
{
    float value;
    eg_convert_f32(bytes, EG_F16, &value, 1);
    return value;
}

static void unpack_q8_0(const uint8_t *block, float *out)
{
    float d = half_at(block);
    for (int j = 0; j < BLOCK; j++) out[j] = (float)(int8_t)block[2 + j] * d;
}

/* The 32 numbers of 4 bits at q, each with its bit of `high` above them, less `zero`. */
static void unpack_nibbles(const uint8_t *q, uint32_t high, int zero, float d, float m, float *out)
{
    for (int j = 0; j < HALF; j++) {
        int low = (q[j] & 15) | (int)(high >> j & 1) << 4;
        int top = q[j] >> 4 | (int)(high >> (j + HALF) & 1) << 4;
        out[j] = (float)(low - zero) * d + m;
        out[j + HALF] = (float)(top - zero) * d + m;
    }
}

static uint32_t high_bits(const uint8_t *b)
{
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void unpack_q4_0(const uint8_t *block, float *out)
{
    unpack_nibbles(block + 2, 0, 8, half_at(block), 0, out);
}

static void unpack_q4_1(const uint8_t *block, float *out)
{
    unpack_nibbles(block + 4, 0, 0, half_at(block), half_at(block + 2), out);
}

static void unpack_q5_0(const uint8_t *block, float *out)
{
    unpack_nibbles(block + 6, high_bits(block + 2), 16, half_at(block), 0, out);
}

static void unpack_q5_1(const uint8_t *block, float *out)
{
    unpack_nibbles(block + 8, high_bits(block + 4), 0, half_at(block), half_at(block + 2), out);
}

/* By number; gaps are types that were withdrawn. */
static const eg_gguf_type types[] = {
    [0] = {"F32", 1, 4, EG_F32, NULL},
    [1] = {"F16", 1, 2, EG_F16, NULL},
    [2] = {"Q4_0", 32, 18, EG_F32, unpack_q4_0},
    [3] = {"Q4_1", 32, 20, EG_F32, unpack_q4_1},
    [6] = {"Q5_0", 32, 22, EG_F32, unpack_q5_0},
    [7] = {"Q5_1", 32, 24, EG_F32, unpack_q5_1},
    [8] = {"Q8_0", 32, 34, EG_F32, unpack_q8_0},
    [9] = {"Q8_1", 32, 36, EG_DTYPE_COUNT, NULL},
    [10] = {"Q2_K", 256, 84, EG_DTYPE_COUNT, NULL},
    [11] = {"Q3_K", 256, 110, EG_DTYPE_COUNT, NULL},
    [12] = {"Q4_K", 256, 144, EG_DTYPE_COUNT, NULL},
    [13] = {"Q5_K", 256, 176, EG_DTYPE_COUNT, NULL},
    [14] = {"Q6_K", 256, 210, EG_DTYPE_COUNT, NULL},
    [15] = {"Q8_K", 256, 292, EG_DTYPE_COUNT, NULL},
    [16] = {"IQ2_XXS", 256, 66, EG_DTYPE_COUNT, NULL},
    [17] = {"IQ2_XS", 256, 74, EG_DTYPE_COUNT, NULL},
    [18] = {"IQ3_XXS", 256, 98, EG_DTYPE_COUNT, NULL},
    [19] = {"IQ1_S", 256, 50, EG_DTYPE_COUNT, NULL},
    [20] = {"IQ4_NL", 32, 18, EG_DTYPE_COUNT, NULL},
    [21] = {"IQ3_S", 256, 110, EG_DTYPE_COUNT, NULL},
    [22] = {"IQ2_S", 256, 82, EG_DTYPE_COUNT, NULL},
    [23] = {"IQ4_XS", 256, 136, EG_DTYPE_COUNT, NULL},
    [24] = {"I8", 1, 1, EG_I8, NULL},
    [25] = {"I16", 1, 2, EG_I16, NULL},
    [26] = {"I32", 1, 4, EG_I32, NULL},
    [27] = {"I64", 1, 8, EG_I64, NULL},
    [28] = {"F64", 1, 8, EG_F64, NULL},
    [29] = {"IQ1_M", 256, 56, EG_DTYPE_COUNT, NULL},
    [30] = {"BF16", 1, 2, EG_BF16, NULL},
    [34] = {"TQ1_0", 256, 54, EG_DTYPE_COUNT, NULL},
    [35] = {"TQ2_0", 256, 66, EG_DTYPE_COUNT, NULL},
    [39] = {"MXFP4", 32, 17, EG_DTYPE_COUNT, NULL},
};

const eg_gguf_type *eg_gguf_type_find(uint32_t number)
{
    return number < sizeof types / sizeof *types && types[number].name ? &types[number] : NULL;
}
