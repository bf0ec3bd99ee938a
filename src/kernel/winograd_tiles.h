/* What both directions of Winograd's method share: sizes, and the tiles of a map. */
#ifndef ENGRAFT_KERNEL_WINOGRAD_TILES_H
#define ENGRAFT_KERNEL_WINOGRAD_TILES_H

#include "kernel/kernel.h"
#include "kernel/winograd_forms.h"

enum {
    EG_WINOGRAD_TILE = 4,   /* outputs along an axis */
    EG_WINOGRAD_WINDOW = 6, /* inputs along an axis */
    EG_WINOGRAD_POINTS = 36
};

/* Whole cache lines. */
static inline int64_t eg_winograd_padded(int64_t floats)
{
    return eg_div_up(floats, EG_WINOGRAD_LINE) * EG_WINOGRAD_LINE;
}

/* Floats from matrix to matrix of (rows, columns): an odd number of cache lines, lest all 36 fall into
 * one set. */
static inline int64_t eg_winograd_stride(int64_t rows, int64_t columns)
{
    const int64_t pair = 2 * EG_WINOGRAD_LINE;
    return eg_div_up(rows * columns, pair) * pair + EG_WINOGRAD_LINE;
}

/* A tile's place: image, first output row and column. */
typedef struct eg_winograd_place {
    int64_t image, row, column;
} eg_winograd_place;

static inline eg_winograd_place eg_winograd_place_of(int64_t tile, int64_t rows, int64_t columns)
{
    return (eg_winograd_place){tile / (rows * columns), tile / columns % rows * EG_WINOGRAD_TILE,
                               tile % columns * EG_WINOGRAD_TILE};
}

/* The pixels of a square of a map (h, w, c) whose first pixel is (row, column); `outside` for those that lie
 * outside the map. */
static inline void eg_winograd_gather(const float *map, int64_t h, int64_t w, int64_t c, int64_t row,
                                      int64_t column, int64_t size, const float *outside,
                                      const float **pixels)
{
    const bool whole = row >= 0 && column >= 0 && row + size <= h && column + size <= w;
    for (int64_t i = 0; i < size; i++) {
        for (int64_t j = 0; j < size; j++) {
            bool inside = whole || (row + i >= 0 && row + i < h && column + j >= 0 && column + j < w);
            pixels[i * size + j] = inside ? map + ((row + i) * w + column + j) * c : outside;
        }
    }
}

#endif
