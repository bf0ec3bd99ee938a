#include "plan/adapt.h"

#include <math.h>
#include <string.h>

#include "plan/mosaic.h"

enum { MOST_DIMS = 64 };

static const eg_mosaic *made(eg_arena *arena, eg_dtype dtype, eg_shape shape, const eg_pieces *pieces,
                             bool partial)
{
    eg_mosaic *mosaic = EG_NEW(arena, eg_mosaic);
    *mosaic = (eg_mosaic){dtype, shape, pieces->items, pieces->count, partial};
    return mosaic;
}

/* ---- input channels ---- */

static const eg_mosaic *adapt_input(eg_arena *arena, const eg_mosaic *source, eg_shape target)
{
    int64_t at[MOST_DIMS] = {0};
    eg_pieces pieces = {0};
    eg_shape from = source->shape;
    if (from.rank < 3 || from.rank != target.rank) return NULL;
    for (uint32_t d = 0; d < from.rank; d++)
        if (d != 1 && from.dims[d] != target.dims[d]) return NULL;
    int64_t have = from.dims[1], want = target.dims[1];
    if (have < 1 || want < 1) return NULL;
    for (int64_t c = 0; c < (want == 1 ? have : want); c++) {
        at[1] = want == 1 ? 0 : c;
        eg_pieces_add(arena, &pieces, eg_mosaic_slice(arena, source, 1, c % have, 1), at,
                      want == 1 ? 1 : (double)have / (double)want, want == 1 && c > 0);
    }
    return made(arena, source->dtype, target, &pieces, false);
}

/* ---- the common corner ---- */

static const eg_mosaic *overlap(eg_arena *arena, const eg_mosaic *source, eg_shape target)
{
    eg_pieces pieces = {0};
    const int64_t at[MOST_DIMS] = {0};
    bool partial = false;
    if (source->shape.rank != target.rank || target.rank == 0) return NULL;
    for (uint32_t d = 0; d < target.rank; d++) {
        int64_t have = source->shape.dims[d], want = target.dims[d];
        if (have > want) source = eg_mosaic_slice(arena, source, d, 0, want);
        partial |= have < want;
    }
    eg_pieces_add(arena, &pieces, source, at, 1, false);
    return made(arena, source->dtype, target, &pieces, partial);
}

/* ---- position embeddings ---- */

static int64_t square_root(int64_t n)
{
    int64_t root = n < 1 ? 0 : (int64_t)sqrt((double)n);
    return root * root == n ? root : 0;
}

/* Keys' cubic with PyTorch's A = -0.75; d >= 0 is the distance. */
static double cubic(double d)
{
    const double a = -0.75;
    if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
    if (d < 2) return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
    return 0;
}

typedef struct taps {
    int64_t at[4];
    double weight[4];
} taps;

/* The four source positions of one target position along one side; beyond the border they repeat it. */
static taps find_taps(int64_t position, int64_t have, int64_t want)
{
    taps out;
    double x = want > 1 ? (double)position * (double)(have - 1) / (double)(want - 1) : 0;
    int64_t base = (int64_t)floor(x);
    for (int i = 0; i < 4; i++) {
        int64_t at = base - 1 + i;
        out.weight[i] = cubic(fabs(x - (double)at));
        out.at[i] = at < 0 ? 0 : at >= have ? have - 1 : at;
    }
    return out;
}

/* One token of the target: sixteen of the source's, weighted. */
static void add_token(eg_arena *arena, eg_pieces *pieces, const eg_mosaic *source, uint32_t dim,
                      int64_t extra, int64_t have, const taps *y, const taps *x, int64_t token)
{
    int64_t at[MOST_DIMS] = {0};
    bool add = false;
    at[dim] = extra + token;
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            double weight = y->weight[i] * x->weight[j];
            int64_t from = extra + y->at[i] * have + x->at[j];
            if (weight == 0) continue;
            eg_pieces_add(arena, pieces, eg_mosaic_slice(arena, source, dim, from, 1), at, weight, add);
            add = true;
        }
    }
}

static const eg_mosaic *interpolate(eg_arena *arena, const eg_mosaic *source, eg_shape target)
{
    enum { CLASS_TOKENS = 2 };
    eg_shape from = source->shape;
    uint32_t dim = target.rank == 3 ? 1 : 0;
    const int64_t start[MOST_DIMS] = {0};
    if (from.rank != target.rank || (target.rank != 2 && target.rank != 3)) return NULL;
    if (from.dims[dim + 1] != target.dims[dim + 1] || (dim && (from.dims[0] != 1 || target.dims[0] != 1)))
        return NULL;
    for (int64_t extra = 0; extra <= CLASS_TOKENS; extra++) {
        int64_t have = square_root(from.dims[dim] - extra), want = square_root(target.dims[dim] - extra);
        eg_pieces pieces = {0};
        if (!have || !want) continue;
        if (extra)
            eg_pieces_add(arena, &pieces, eg_mosaic_slice(arena, source, dim, 0, extra), start, 1, false);
        for (int64_t i = 0; i < want * want; i++) {
            taps y = find_taps(i / want, have, want), x = find_taps(i % want, have, want);
            add_token(arena, &pieces, source, dim, extra, have, &y, &x, i);
        }
        return made(arena, source->dtype, target, &pieces, false);
    }
    return NULL;
}

const eg_mosaic *eg_adapt(eg_arena *arena, eg_key_policy policy, const eg_mosaic *source, eg_shape target)
{
    switch (policy) {
    case EG_POLICY_ADAPT_INPUT: return adapt_input(arena, source, target);
    case EG_POLICY_OVERLAP: return overlap(arena, source, target);
    case EG_POLICY_INTERPOLATE: return interpolate(arena, source, target);
    default: return NULL;
    }
}

/* ---- rows by class ---- */

const eg_mosaic *eg_adapt_rows(eg_arena *arena, const eg_mosaic *source, const eg_row *rows, size_t count,
                               eg_combine combine)
{
    eg_pieces pieces = {0};
    int64_t at[MOST_DIMS] = {0}, *dims = EG_NEW_ARRAY(arena, int64_t, source->shape.rank);
    bool partial = false;
    memcpy(dims, source->shape.dims, source->shape.rank * sizeof *dims);
    dims[0] = (int64_t)count;
    for (size_t r = 0; r < count; r++) {
        double scale = combine == EG_COMBINE_MEAN && rows[r].count ? 1.0 / (double)rows[r].count : 1;
        at[0] = (int64_t)r;
        partial |= rows[r].count == 0;
        for (size_t k = 0; k < rows[r].count; k++)
            eg_pieces_add(arena, &pieces, eg_mosaic_slice(arena, source, 0, rows[r].sources[k], 1), at, scale,
                          k > 0);
    }
    return made(arena, source->dtype, (eg_shape){source->shape.rank, dims}, &pieces, partial);
}
