#include "tensor/convert.h"

#include <math.h>
#include <string.h>

void eg_swap_bytes(void *bytes, uint64_t numel, eg_dtype dtype)
{
    bool complex = dtype == EG_C64 || dtype == EG_C128;
    size_t size = eg_dtype_size(dtype) / (complex ? 2 : 1);
    uint64_t count = numel * (complex ? 2 : 1);
    uint8_t *at = bytes;
    for (uint64_t i = 0; i < count; i++, at += size) {
        for (size_t a = 0, b = size - 1; a < b; a++, b--) {
            uint8_t byte = at[a];
            at[a] = at[b];
            at[b] = byte;
        }
    }
}

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE 754 binary16, exact in float. */
static float half(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000u) << 16, exponent = bits >> 10 & 31, mantissa = bits & 1023;
    if (exponent == 31) return from_bits(sign | 0x7F800000u | mantissa << 13);
    if (exponent == 0) return (sign ? -1.0f : 1.0f) * ldexpf((float)mantissa, -24);
    return from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
}

#define LOAD(type)                                                                                           \
    for (uint64_t i = 0; i < numel; i++) {                                                                   \
        type v;                                                                                              \
        memcpy(&v, (const uint8_t *)bytes + i * sizeof v, sizeof v);                                         \
        out[i] = (float)v;                                                                                   \
    }                                                                                                        \
    break

bool eg_can_convert_f32(eg_dtype dtype)
{
    return dtype <= EG_BOOL;
}

void eg_convert_f32(const void *bytes, eg_dtype dtype, float *out, uint64_t numel)
{
    switch (dtype) {
    case EG_F32: LOAD(float);
    case EG_F64: LOAD(double);
    case EG_I64: LOAD(int64_t);
    case EG_I32: LOAD(int32_t);
    case EG_I16: LOAD(int16_t);
    case EG_I8: LOAD(int8_t);
    case EG_U64: LOAD(uint64_t);
    case EG_U32: LOAD(uint32_t);
    case EG_U16: LOAD(uint16_t);
    case EG_U8:
    case EG_BOOL: LOAD(uint8_t);
    case EG_F16:
    case EG_BF16:
        for (uint64_t i = 0; i < numel; i++) {
            uint16_t v;
            memcpy(&v, (const uint8_t *)bytes + i * sizeof v, sizeof v);
            out[i] = dtype == EG_F16 ? half(v) : from_bits((uint32_t)v << 16);
        }
        break;
    default: break;
    }
}

#define WIDEN(type)                                                                                          \
    for (uint64_t i = 0; i < numel; i++) {                                                                   \
        type v;                                                                                              \
        memcpy(&v, (const uint8_t *)bytes + i * sizeof v, sizeof v);                                         \
        out[i] = (double)v;                                                                                  \
    }                                                                                                        \
    break

static void widen(const void *bytes, eg_dtype dtype, double *out, uint64_t numel)
{
    float piece[256] = {0};
    const uint64_t most = sizeof piece / sizeof *piece;
    for (uint64_t at = 0; at < numel; at += most) {
        uint64_t n = numel - at < most ? numel - at : most;
        eg_convert_f32((const uint8_t *)bytes + at * eg_dtype_size(dtype), dtype, piece, n);
        for (uint64_t i = 0; i < n; i++) out[at + i] = piece[i];
    }
}

void eg_convert_f64(const void *bytes, eg_dtype dtype, double *out, uint64_t numel)
{
    switch (dtype) {
    case EG_F64: WIDEN(double);
    case EG_I64: WIDEN(int64_t);
    case EG_I32: WIDEN(int32_t);
    case EG_U64: WIDEN(uint64_t);
    case EG_U32: WIDEN(uint32_t);
    default: widen(bytes, dtype, out, numel); break;
    }
}
