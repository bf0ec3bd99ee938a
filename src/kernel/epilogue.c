#include "kernel/epilogue.h"

/* The flags say which of e's parts there are: they are constants where this is used. */
EG_INLINE void apply_row(int64_t c, const float *x, const eg_epilogue *e, const float *residual, float *y,
                         eg_activation activation, bool scaled, bool shifted, bool added)
{
    const float *scale = e->scale, *bias = e->bias, slope = e->slope;
    EG_ELEMENTWISE
    for (int64_t i = 0; i < c; i++) {
        float v = x[i];
        if (scaled) v *= scale[i];
        if (shifted) v += bias[i];
        if (added) v += residual[i];
        y[i] = eg_activate(v, activation, slope);
    }
}

EG_INLINE void apply_rows(int64_t rows, int64_t c, int64_t ld, const float *x, const eg_epilogue *e, float *y,
                          eg_activation activation, bool scaled, bool shifted)
{
    if (e->residual) {
        for (int64_t at = 0; at < rows * ld; at += ld)
            apply_row(c, x + at, e, e->residual + at, y + at, activation, scaled, shifted, true);
    } else {
        for (int64_t at = 0; at < rows * ld; at += ld)
            apply_row(c, x + at, e, NULL, y + at, activation, scaled, shifted, false);
    }
}

EG_INLINE void apply(int64_t rows, int64_t c, int64_t ld, const float *x, const eg_epilogue *epilogue,
                     float *y, eg_activation activation)
{
    const eg_epilogue e = *epilogue; /* y may not change it */
    if (e.scale && e.bias)
        apply_rows(rows, c, ld, x, &e, y, activation, true, true);
    else if (e.scale)
        apply_rows(rows, c, ld, x, &e, y, activation, true, false);
    else if (e.bias)
        apply_rows(rows, c, ld, x, &e, y, activation, false, true);
    else
        apply_rows(rows, c, ld, x, &e, y, activation, false, false);
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
