#include "kernel/epilogue.h"

EG_INLINE void apply_part(int64_t at, int64_t width, const float *x, const eg_epilogue *e,
                          const float *residual, float *y, eg_activation activation)
{
    eg_wide v, other;
    eg_wide_load(&v, x + at, width);
    if (e->scale) {
        eg_wide_load(&other, e->scale + at, width);
        v *= other;
    }
    if (e->bias) {
        eg_wide_load(&other, e->bias + at, width);
        v += other;
    }
    if (residual) {
        eg_wide_load(&other, residual + at, width);
        v += other;
    }
    eg_wide_activate(&v, activation, e->slope);
    eg_wide_store(&v, y + at, width);
}

EG_INLINE void apply(int64_t rows, int64_t c, int64_t ld, const float *x, const eg_epilogue *epilogue,
                     float *y, eg_activation activation)
{
    const eg_epilogue e = *epilogue; /* y may not change it */
    const float *residual = e.residual;
    for (int64_t row = 0; row < rows; row++, x += ld, y += ld, residual = residual ? residual + ld : NULL) {
        int64_t at = 0;
        for (; at + EG_WIDE <= c; at += EG_WIDE) apply_part(at, EG_WIDE, x, &e, residual, y, activation);
        if (at < c) apply_part(at, c - at, x, &e, residual, y, activation);
    }
}

EG_CLONES void eg_epilogue_apply(int64_t rows, int64_t c, int64_t ld, const float *x,
                                 const eg_epilogue *epilogue, float *y)
{
    switch (epilogue->activation) {
    case EG_ACTIVATION_RELU: apply(rows, c, ld, x, epilogue, y, EG_ACTIVATION_RELU); break;
    case EG_ACTIVATION_RELU6: apply(rows, c, ld, x, epilogue, y, EG_ACTIVATION_RELU6); break;
    case EG_ACTIVATION_LEAKY: apply(rows, c, ld, x, epilogue, y, EG_ACTIVATION_LEAKY); break;
    default: apply(rows, c, ld, x, epilogue, y, EG_ACTIVATION_NONE); break;
    }
}

eg_epilogue eg_epilogue_at(const eg_epilogue *epilogue, int64_t offset, int64_t k)
{
    eg_epilogue e = *epilogue;
    if (e.scale) e.scale += k;
    if (e.bias) e.bias += k;
    if (e.residual) e.residual += offset + k;
    return e;
}

bool eg_epilogue_is_empty(const eg_epilogue *epilogue)
{
    return !epilogue->scale && !epilogue->bias && !epilogue->residual &&
           epilogue->activation == EG_ACTIVATION_NONE;
}
