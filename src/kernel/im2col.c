#include "kernel/im2col.h"

#include <string.h>

/* The taps of one row of the window that the patch wants, at one position. */
typedef struct span {
    int64_t begin, end;  /* wanted: s = begin … end-1 */
    int64_t first, last; /* of these inside the image: first … last-1; equal: none */
    int64_t offset;      /* of tap s = 0 at the patch's first channel, in elements of x */
} span;

static span find_span(const eg_grid *g, const eg_patch *patch, int64_t position, int64_t r)
{
    int64_t image = position / (g->p * g->q), p = position / g->q % g->p, q = position % g->q;
    int64_t row = p * g->stride[0] - g->padding[0] + r * g->dilation[0];
    int64_t column = q * g->stride[1] - g->padding[1];
    int64_t last_tap = patch->tap + patch->taps;
    span s = {.begin = patch->tap > r * g->s ? patch->tap - r * g->s : 0,
              .end = last_tap < (r + 1) * g->s ? last_tap - r * g->s : g->s};
    eg_grid_clip(column, g->dilation[1], g->s, g->w, &s.first, &s.last);
    if (s.first < s.begin) s.first = s.begin;
    if (s.last > s.end) s.last = s.end;
    if (row < 0 || row >= g->h || s.last <= s.first) s.first = s.last = s.begin;
    s.offset = ((image * g->h + row) * g->w + column) * g->c + patch->channel;
    return s;
}

/* Neighbouring taps are neighbours in memory too: one copy for all. */
static bool is_dense(const eg_grid *g, const eg_patch *patch)
{
    return g->dilation[1] == 1 && patch->width == g->c;
}

static float *copy_span(const eg_grid *g, const eg_patch *patch, span s, const float *x, float *cols)
{
    size_t width = (size_t)patch->width;
    memset(cols, 0, (size_t)(s.first - s.begin) * width * sizeof *cols);
    cols += (s.first - s.begin) * patch->width;
    if (is_dense(g, patch)) {
        if (s.last > s.first)
            memcpy(cols, x + s.offset + s.first * g->c, (size_t)(s.last - s.first) * width * sizeof *cols);
        cols += (s.last - s.first) * patch->width;
    } else {
        for (int64_t t = s.first; t < s.last; t++, cols += patch->width)
            memcpy(cols, x + s.offset + t * g->dilation[1] * g->c, width * sizeof *cols);
    }
    memset(cols, 0, (size_t)(s.end - s.last) * width * sizeof *cols);
    return cols + (s.end - s.last) * patch->width;
}

void eg_im2col(const eg_grid *grid, const eg_patch *patch, const float *x, float *cols)
{
    int64_t first_row = patch->tap / grid->s, last_row = (patch->tap + patch->taps - 1) / grid->s;
    for (int64_t i = 0; i < patch->rows; i++)
        for (int64_t r = first_row; r <= last_row; r++)
            cols = copy_span(grid, patch, find_span(grid, patch, patch->first + i, r), x, cols);
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
    for (int64_t i = 0; i < patch->rows; i++)
        for (int64_t r = first_row; r <= last_row; r++) {
            span s = find_span(grid, patch, patch->first + i, r);
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
