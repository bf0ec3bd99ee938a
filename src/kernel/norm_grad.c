/* What was tried, on one core with AVX-512 whose memory gives 13 to 25 GB/s: sums over 64 columns of a run of
 * rows at a time, in vectors of eight, read at 4 to 13 GB/s; over four whole rows at a time, in vectors of
 * sixteen, at 9 to 19; moments the same way 7 to 17, now 8 to 23. Maps in vectors of sixteen, without reading
 * their own sizes again after every store: 10 -> 11 to 17. Plain loops, which become vectors of each
 * instruction set's own width instead of sixteen everywhere: the same with AVX-512 (24 channels 3 -> 23);
 * with AVX2, where gcc 12 compares wider vectors number by number, sums 3.5 to 5 -> 8 to 21, the epilogue 6
 * -> 11 to 23, an activation's gradient 10 -> 16 to 36. */
#include "kernel/norm_grad.h"

#include "kernel/norm.h"

/* How the loops below differ: constants wherever one is used. */
typedef struct form {
    eg_activation activation;
    bool by_y; /* the activation is told by y */
    bool centred;
    bool keep, add; /* what is given is written, or added to what is there */
} form;

EG_INLINE float find_grad(const eg_norm_grad *n, int64_t at, int64_t i, form f)
{
    float out = f.by_y ? n->y[at] : n->x[at] * n->scale[i] + n->shift[i];
    return eg_activate_grad(n->dy[at], out, f.activation, n->slope);
}

/* What the sums of EG_SUM_COLUMNS columns at most work on; columns count from the first of them. */
typedef struct run {
    eg_norm_grad at;
    float *residual; /* or NULL */
    float part[EG_SUM_COLUMNS], both[EG_SUM_COLUMNS];
} run;

EG_INLINE void row_sums(int rows, int64_t c, int64_t first, int64_t width, run *own, form f)
{
    const eg_norm_grad n = own->at;
    float *restrict part = own->part, *restrict both = own->both, *residual = own->residual;
    EG_ELEMENTWISE
    for (int64_t i = 0; i < width; i++) {
        float sum = part[i], products = both[i];
        EG_UNROLL_ROWS
        for (int row = 0; row < rows; row++) {
            int64_t at = (first + row) * c + i;
            float grad = find_grad(&n, at, i, f);
            sum += grad;
            products += grad * (n.x[at] - n.mean[i]);
            if (f.keep) residual[at] = f.add ? grad + residual[at] : grad;
        }
        part[i] = sum;
        both[i] = products;
    }
}

/* The float sums over the rows begin … end-1, added to the doubles. */
EG_INLINE void run_sums(int64_t begin, int64_t end, int64_t c, int64_t width, run *n, double *sum,
                        double *product, form f)
{
    int64_t row = begin;
    for (int64_t i = 0; i < EG_SUM_COLUMNS; i++) n->part[i] = n->both[i] = 0;
    for (; row + EG_SUM_ROWS <= end; row += EG_SUM_ROWS) row_sums(EG_SUM_ROWS, c, row, width, n, f);
    for (; row < end; row++) row_sums(1, c, row, width, n, f);
    for (int64_t i = 0; i < width; i++) sum[i] += (double)n->part[i];
    for (int64_t i = 0; i < width; i++) product[i] += (double)n->both[i];
}

EG_INLINE void sums(int64_t rows, int64_t c, const eg_norm_grad *n, float *residual, double *sum,
                    double *product, form f)
{
    for (int64_t i = 0; i < c; i++) sum[i] = product[i] = 0;
    for (int64_t at = 0; at < c; at += EG_SUM_COLUMNS) {
        int64_t width = c - at < EG_SUM_COLUMNS ? c - at : EG_SUM_COLUMNS;
        run own = {.at = *n, .residual = residual ? residual + at : NULL};
        own.at.x += at, own.at.dy += at, own.at.mean += at, own.at.scale += at, own.at.shift += at;
        if (n->y) own.at.y += at;
        for (int64_t row = 0; row < rows; row += EG_SUM_RUN)
            run_sums(row, row + EG_SUM_RUN < rows ? row + EG_SUM_RUN : rows, c, width, &own, sum + at,
                     product + at, f);
    }
}

EG_INLINE void sums_of(int64_t rows, int64_t c, const eg_norm_grad *n, float *residual, bool add, double *sum,
                       double *product, form f)
{
    if (!residual)
        sums(rows, c, n, NULL, sum, product, f);
    else if (!add)
        f.keep = true, sums(rows, c, n, residual, sum, product, f);
    else
        f.keep = f.add = true, sums(rows, c, n, residual, sum, product, f);
}

/* Calls one of the loops above, `call`, which names the form f, in the form that the activation and the
 * arrays ask for. */
#define IN_FORM(n, call)                                                                                     \
    switch ((n)->activation * 2 + ((n)->y != NULL)) {                                                        \
        FORM(EG_ACTIVATION_RELU, call)                                                                       \
        FORM(EG_ACTIVATION_RELU6, call)                                                                      \
        FORM(EG_ACTIVATION_LEAKY, call)                                                                      \
    default: {                                                                                               \
        const form f = {.activation = EG_ACTIVATION_NONE};                                                   \
        call;                                                                                                \
    }                                                                                                        \
    }
#define FORM(kind, call)                                                                                     \
    case (kind)*2: {                                                                                         \
        const form f = {.activation = (kind)};                                                               \
        call;                                                                                                \
    } break;                                                                                                 \
    case (kind)*2 + 1: {                                                                                     \
        const form f = {.activation = (kind), .by_y = true};                                                 \
        call;                                                                                                \
    } break;

EG_CLONES void eg_norm_grad_sums(int64_t rows, int64_t c, const eg_norm_grad *n, float *residual, bool add,
                                 double *sum, double *product){
    IN_FORM(n, sums_of(rows, c, n, residual, add, sum, product, f))}

EG_INLINE void input(int64_t rows, int64_t c, const eg_norm_grad *grad, const float *a, const float *b,
                     const float *k, float *dx, form f)
{
    const eg_norm_grad n = *grad; /* dx may not change it */
    for (int64_t row = 0; row < rows; row++) {
        EG_ELEMENTWISE
        for (int64_t i = 0; i < c; i++) {
            int64_t at = row * c + i;
            float own = find_grad(&n, at, i, f);
            if (f.centred) own = own - b[i] - (n.x[at] - n.mean[i]) * k[i];
            own *= a[i];
            dx[at] = f.add ? own + dx[at] : own;
        }
    }
}

EG_INLINE void input_of(int64_t rows, int64_t c, const eg_norm_grad *n, const float *a, const float *b,
                        const float *k, bool add, float *dx, form f)
{
    if (b && add)
        f.centred = f.add = true, input(rows, c, n, a, b, k, dx, f);
    else if (b)
        f.centred = true, input(rows, c, n, a, b, k, dx, f);
    else if (add)
        f.add = true, input(rows, c, n, a, NULL, NULL, dx, f);
    else
        input(rows, c, n, a, NULL, NULL, dx, f);
}

EG_CLONES void eg_norm_grad_input(int64_t rows, int64_t c, const eg_norm_grad *n, const float *a,
                                  const float *b, const float *k, bool add,
                                  float *dx){IN_FORM(n, input_of(rows, c, n, a, b, k, add, dx, f))}

EG_INLINE
    void mask(int64_t n, const float *y, const float *dy, eg_activation activation, float slope, float *grad)
{
    EG_ELEMENTWISE
    for (int64_t i = 0; i < n; i++) grad[i] = eg_activate_grad(dy[i], y[i], activation, slope);
}

EG_CLONES void eg_activation_grad(int64_t n, const float *y, const float *dy, eg_activation activation,
                                  float slope, float *grad)
{
    switch (activation) {
    case EG_ACTIVATION_RELU: mask(n, y, dy, EG_ACTIVATION_RELU, slope, grad); break;
    case EG_ACTIVATION_RELU6: mask(n, y, dy, EG_ACTIVATION_RELU6, slope, grad); break;
    case EG_ACTIVATION_LEAKY: mask(n, y, dy, EG_ACTIVATION_LEAKY, slope, grad); break;
    default: mask(n, y, dy, EG_ACTIVATION_NONE, slope, grad); break;
    }
}
