#include "kernel/im2col.h"

#include <string.h>

/* The taps of one row of the window that the patch wants, at one position. */
typedef struct span {
    int64_t begin, end;  /* wanted: s = begin … end-1 */
    int64_t first, last; /* of these inside the image: first … last-1; equal: none */
    int64_t offset;      /* of tap s = 0 at the patch's first channel, in elements of x */
} span;

/* The patch's positions, one after the other. */
typedef struct cursor {
    int64_t image, p, q;
} cursor;

static cursor start_at(const eg_grid *g, int64_t position)
{
    return (cursor){position / (g->p * g->q), position / g->q % g->p, position % g->q};
}

static void advance(const eg_grid *g, cursor *at)
{
    if (++at->q < g->q) return;
    at->q = 0;
    if (++at->p < g->p) return;
    at->p = 0;
    at->image++;
}

static span find_span(const eg_grid *g, const eg_patch *patch, const cursor *at, int64_t r)
{
    int64_t row = at->p * g->stride[0] - g->padding[0] + r * g->dilation[0];
    int64_t column = at->q * g->stride[1] - g->padding[1];
    int64_t last_tap = patch->tap + patch->taps;
    span s = {.begin = patch->tap > r * g->s ? patch->tap - r * g->s : 0,
              .end = last_tap < (r + 1) * g->s ? last_tap - r * g->s : g->s};
    eg_grid_clip(column, g->dilation[1], g->s, g->w, &s.first, &s.last);
    if (s.first < s.begin) s.first = s.begin;
    if (s.last > s.end) s.last = s.end;
    if (row < 0 || row >= g->h || s.last <= s.first) s.first = s.last = s.begin;
    s.offset = ((at->image * g->h + row) * g->w + column) * g->c + patch->channel;
    return s;
}

/* Neighbouring taps are neighbours in memory too: one copy for all. */
static bool is_dense(const eg_grid *g, const eg_patch *patch)
{
    return g->dilation[1] == 1 && patch->width == g->c;
}

/* Copies of a few floats are most of the work where there are few channels: no call for these. */
EG_INLINE float *copy(float *to, const float *from, int64_t n)
{
    if (n > 64) {
        memcpy(to, from, (size_t)n * sizeof *to);
        return to + n;
    }
    for (; n >= EG_LANES; n -= EG_LANES, to += EG_LANES, from += EG_LANES)
        *(eg_lanes *)to = *(const eg_lanes *)from;
    for (int64_t part = EG_LANES / 2; part > 0; part /= 2) {
        if (n < part) continue;
        memcpy(to, from, (size_t)part * sizeof *to); /* 4, 2, 1: unrolled, each a move */
        to += part, from += part, n -= part;
    }
    return to;
}

static float *clear(float *to, int64_t n)
{
    if (n > 0) memset(to, 0, (size_t)n * sizeof *to);
    return to + n;
}

static float *copy_span(const eg_grid *g, const eg_patch *patch, const span *s, const float *x, float *cols)
{
    cols = clear(cols, (s->first - s->begin) * patch->width);
    if (s->last > s->first && is_dense(g, patch)) {
        cols = copy(cols, x + s->offset + s->first * g->c, (s->last - s->first) * patch->width);
    } else {
        for (int64_t t = s->first; t < s->last; t++)
            cols = copy(cols, x + s->offset + t * g->dilation[1] * g->c, patch->width);
    }
    return clear(cols, (s->end - s->last) * patch->width);
}

void eg_im2col(const eg_grid *grid, const eg_patch *patch, const float *x, float *cols)
{
    int64_t first_row = patch->tap / grid->s, last_row = (patch->tap + patch->taps - 1) / grid->s;
    cursor at = start_at(grid, patch->first);
    for (int64_t i = 0; i < patch->rows; i++, advance(grid, &at))
        for (int64_t r = first_row; r <= last_row; r++) {
            span s = find_span(grid, patch, &at, r);
            cols = copy_span(grid, patch, &s, x, cols);
        }
}

EG_CLONES static void add(int64_t n, const float *restrict from, float *restrict to)
{
    for (int64_t i = 0; i < n; i++) to[i] += from[i];
}

static const float *add_span(const eg_grid *g, const eg_patch *patch, span s, const float *cols, float *dx)
{
    const float *next = cols + (s.end - s.begin) * patch->width;
    cols += (s.first - s.begin) * patch->width;
    if (is_dense(g, patch)) {
        add((s.last - s.first) * patch->width, cols, dx + s.offset + s.first * g->c);
    } else {
        for (int64_t t = s.first; t < s.last; t++, cols += patch->width)
            add(patch->width, cols, dx + s.offset + t * g->dilation[1] * g->c);
    }
    return next;
}

void eg_col2im(const eg_grid *grid, const eg_patch *patch, const float *cols, float *dx)
{
    int64_t first_row = patch->tap / grid->s, last_row = (patch->tap + patch->taps - 1) / grid->s;
    cursor at = start_at(grid, patch->first);
    for (int64_t i = 0; i < patch->rows; i++, advance(grid, &at))
        for (int64_t r = first_row; r <= last_row; r++) {
            span s = find_span(grid, patch, &at, r);
            if (s.last > s.first)
                cols = add_span(grid, patch, s, cols, dx);
            else
                cols += (s.end - s.begin) * patch->width;
        }
}

void eg_weight_pack(int64_t k, int64_t c, int64_t t, const float *weight, float *packed)
{
    for (int64_t i = 0; i < k; i++, weight += c * t, packed += c * t)
        for (int64_t tap = 0; tap < t; tap++)
            for (int64_t channel = 0; channel < c; channel++)
                packed[tap * c + channel] = weight[channel * t + tap];
}

void eg_weight_unpack(int64_t k, int64_t c, int64_t t, int64_t parts, int64_t part_size, const float *packed,
                      float *out, bool accumulate)
{
    for (int64_t i = 0; i < k; i++, packed += c * t, out += c * t)
        for (int64_t channel = 0; channel < c; channel++)
            for (int64_t tap = 0; tap < t; tap++) {
                float sum = packed[tap * c + channel];
                for (int64_t part = 1; part < parts; part++)
                    sum += packed[part * part_size + tap * c + channel];
                float *to = &out[channel * t + tap];
                *to = accumulate ? *to + sum : sum;
            }
}
