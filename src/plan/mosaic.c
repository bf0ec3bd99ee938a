#include "plan/mosaic.h"

#include <assert.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"

enum { MOST_DIMS = 64 };

/* ---- making ---- */

static const int64_t *row_major(eg_arena *arena, eg_shape shape)
{
    int64_t *strides = EG_NEW_ARRAY(arena, int64_t, shape.rank), step = 1;
    for (uint32_t d = shape.rank; d-- > 0;) {
        strides[d] = step;
        step *= shape.dims[d];
    }
    return strides;
}

const eg_mosaic *eg_mosaic_whole(eg_arena *arena, const eg_entry *entry)
{
    eg_mosaic *mosaic = EG_NEW(arena, eg_mosaic);
    eg_piece *piece = EG_NEW(arena, eg_piece);
    *piece = (eg_piece){entry, *entry, EG_NEW_ARRAY(arena, int64_t, entry->shape.rank), 1, false};
    if (!piece->view.strides) piece->view.strides = row_major(arena, entry->shape);
    *mosaic = (eg_mosaic){entry->dtype, entry->shape, piece, 1, false};
    return mosaic;
}

bool eg_mosaic_is_plain(const eg_mosaic *mosaic)
{
    const eg_piece *p = mosaic->pieces;
    if (mosaic->count != 1 || mosaic->partial || p->scale != 1 ||
        !eg_shape_equal(mosaic->shape, p->source->shape))
        return false;
    int64_t step = 1;
    for (uint32_t d = mosaic->shape.rank; d-- > 0;) {
        int64_t stride = p->source->strides ? p->source->strides[d] : step;
        if (p->view.strides[d] != stride) return false;
        step *= mosaic->shape.dims[d];
    }
    return p->view.offset == p->source->offset && eg_shape_equal(p->view.shape, p->source->shape);
}

bool eg_mosaic_is_move(const eg_mosaic *mosaic)
{
    bool move = !mosaic->partial;
    for (size_t i = 0; i < mosaic->count; i++)
        move = move && mosaic->pieces[i].scale == 1 && !mosaic->pieces[i].add;
    return move;
}

/* ---- changing dims: every dim of the result comes from one of the mosaic, or is new ---- */

typedef struct dims {
    int64_t values[MOST_DIMS];
    uint32_t rank;
} dims;

/* What a reshaping does to a list of numbers, one a dim: sizes, strides, or positions. `fresh` stands for a
 * new dim. */
typedef void edit(dims *list, const void *how, int64_t fresh);

static const int64_t *edited(eg_arena *arena, const int64_t *values, uint32_t rank, edit *change,
                             const void *how, int64_t fresh, uint32_t *new_rank)
{
    dims list = {.rank = rank};
    assert(rank < MOST_DIMS);
    memcpy(list.values, values, rank * sizeof *values);
    change(&list, how, fresh);
    *new_rank = list.rank;
    int64_t *copy = EG_NEW_ARRAY(arena, int64_t, list.rank);
    memcpy(copy, list.values, list.rank * sizeof *copy);
    return copy;
}

static const eg_mosaic *reshaped(eg_arena *arena, const eg_mosaic *mosaic, edit *change, const void *how)
{
    eg_mosaic *out = EG_NEW(arena, eg_mosaic);
    eg_piece *pieces = EG_NEW_ARRAY(arena, eg_piece, mosaic->count);
    uint32_t rank = mosaic->shape.rank, changed = rank;
    *out = *mosaic;
    out->shape.dims = edited(arena, mosaic->shape.dims, rank, change, how, 1, &changed);
    out->shape.rank = changed;
    for (size_t i = 0; i < mosaic->count; i++) {
        pieces[i] = mosaic->pieces[i];
        pieces[i].view.shape.dims = edited(arena, pieces[i].view.shape.dims, rank, change, how, 1, &changed);
        pieces[i].view.shape.rank = changed;
        pieces[i].view.strides = edited(arena, pieces[i].view.strides, rank, change, how, 1, &changed);
        pieces[i].at = edited(arena, pieces[i].at, rank, change, how, 0, &changed);
    }
    out->pieces = pieces;
    return out;
}

static void permute(dims *list, const void *how, int64_t fresh)
{
    const int64_t *order = how;
    const dims old = *list;
    (void)fresh;
    for (uint32_t d = 0; d < old.rank; d++) list->values[d] = old.values[order[d]];
}

static void insert(dims *list, const void *how, int64_t fresh)
{
    uint32_t dim = *(const uint32_t *)how;
    memmove(&list->values[dim + 1], &list->values[dim], (list->rank - dim) * sizeof *list->values);
    list->values[dim] = fresh;
    list->rank++;
}

static void erase(dims *list, const void *how, int64_t fresh)
{
    uint32_t dim = *(const uint32_t *)how;
    (void)fresh;
    list->rank--;
    memmove(&list->values[dim], &list->values[dim + 1], (list->rank - dim) * sizeof *list->values);
}

const eg_mosaic *eg_mosaic_permute(eg_arena *arena, const eg_mosaic *mosaic, const int64_t *order)
{
    return reshaped(arena, mosaic, permute, order);
}

const eg_mosaic *eg_mosaic_unsqueeze(eg_arena *arena, const eg_mosaic *mosaic, uint32_t dim)
{
    return reshaped(arena, mosaic, insert, &dim);
}

const eg_mosaic *eg_mosaic_squeeze(eg_arena *arena, const eg_mosaic *mosaic, uint32_t dim)
{
    return reshaped(arena, mosaic, erase, &dim);
}

const eg_mosaic *eg_mosaic_unflatten(eg_arena *arena, const eg_mosaic *mosaic, uint32_t dim,
                                     const int64_t *sizes, uint32_t count)
{
    const eg_mosaic *out = mosaic;
    for (size_t i = 0; i < mosaic->count; i++)
        if (mosaic->pieces[i].view.shape.dims[dim] != mosaic->shape.dims[dim]) return NULL;
    for (uint32_t d = 1; d < count; d++) out = eg_mosaic_unsqueeze(arena, out, dim);
    memcpy((int64_t *)out->shape.dims + dim, sizes, count * sizeof *sizes);
    for (size_t i = 0; i < out->count; i++) {
        const eg_entry *view = &out->pieces[i].view;
        int64_t step = mosaic->pieces[i].view.strides[dim];
        for (uint32_t d = dim + count; d-- > dim;) {
            ((int64_t *)view->shape.dims)[d] = sizes[d - dim];
            ((int64_t *)view->strides)[d] = step;
            step *= sizes[d - dim];
        }
    }
    return out;
}

const eg_mosaic *eg_mosaic_flatten(eg_arena *arena, const eg_mosaic *mosaic, uint32_t dim)
{
    const eg_mosaic *out = mosaic;
    uint32_t rank = mosaic->shape.rank;
    int64_t product = 1;
    for (size_t i = 0; i < mosaic->count; i++) {
        const eg_entry *view = &mosaic->pieces[i].view;
        for (uint32_t d = dim; d < rank; d++) {
            bool last = d + 1 == rank;
            if (view->shape.dims[d] != mosaic->shape.dims[d]) return NULL;
            if (!last && view->strides[d] != view->strides[d + 1] * view->shape.dims[d + 1]) return NULL;
        }
    }
    for (uint32_t d = dim; d < rank; d++) product *= mosaic->shape.dims[d];
    for (uint32_t d = dim; d + 1 < rank; d++)
        out = eg_mosaic_squeeze(arena, out, dim); /* the last stride stays */
    if (out == mosaic) return mosaic;
    ((int64_t *)out->shape.dims)[dim] = product;
    for (size_t i = 0; i < out->count; i++) ((int64_t *)out->pieces[i].view.shape.dims)[dim] = product;
    return out;
}

/* ---- cutting and joining ---- */

static const int64_t *with_dim(eg_arena *arena, const int64_t *values, uint32_t rank, uint32_t dim,
                               int64_t value)
{
    int64_t *copy = EG_NEW_ARRAY(arena, int64_t, rank);
    memcpy(copy, values, rank * sizeof *copy);
    copy[dim] = value;
    return copy;
}

const eg_mosaic *eg_mosaic_slice(eg_arena *arena, const eg_mosaic *mosaic, uint32_t dim, int64_t start,
                                 int64_t length)
{
    eg_mosaic *out = EG_NEW(arena, eg_mosaic);
    eg_piece *pieces = EG_NEW_ARRAY(arena, eg_piece, mosaic->count);
    uint32_t rank = mosaic->shape.rank;
    *out = *mosaic;
    out->pieces = pieces;
    out->count = 0;
    out->shape.dims = with_dim(arena, mosaic->shape.dims, rank, dim, length);
    for (size_t i = 0; i < mosaic->count; i++) {
        eg_piece p = mosaic->pieces[i];
        int64_t low = p.at[dim], high = low + p.view.shape.dims[dim];
        int64_t from = low > start ? low : start, to = high < start + length ? high : start + length;
        if (from >= to) continue;
        p.view.offset += (uint64_t)((from - low) * p.view.strides[dim]) * eg_dtype_size(p.view.dtype);
        p.view.shape.dims = with_dim(arena, p.view.shape.dims, rank, dim, to - from);
        p.at = with_dim(arena, p.at, rank, dim, from - start);
        pieces[out->count++] = p;
    }
    return out;
}

const eg_mosaic *eg_mosaic_concat(eg_arena *arena, const eg_mosaic *const *list, size_t count, uint32_t dim)
{
    eg_mosaic *out = EG_NEW(arena, eg_mosaic);
    eg_pieces pieces = {0};
    int64_t at[MOST_DIMS] = {0};
    *out = *list[0];
    assert(out->shape.rank <= MOST_DIMS);
    for (size_t i = 0; i < count; i++) {
        eg_pieces_add(arena, &pieces, list[i], at, 1, false);
        at[dim] += list[i]->shape.dims[dim];
    }
    out->shape.dims = with_dim(arena, out->shape.dims, out->shape.rank, dim, at[dim]);
    out->pieces = pieces.items;
    out->count = pieces.count;
    return out;
}

void eg_pieces_add(eg_arena *arena, eg_pieces *list, const eg_mosaic *value, const int64_t *at, double scale,
                   bool add)
{
    if (list->count + value->count > list->capacity) {
        list->capacity = 2 * (list->count + value->count);
        eg_piece *items = EG_NEW_ARRAY(arena, eg_piece, list->capacity);
        if (list->count) memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
    }
    for (size_t i = 0; i < value->count; i++) {
        eg_piece *piece = &list->items[list->count++];
        int64_t *moved = EG_NEW_ARRAY(arena, int64_t, value->shape.rank);
        *piece = value->pieces[i];
        for (uint32_t d = 0; d < value->shape.rank; d++) moved[d] = piece->at[d] + at[d];
        piece->at = moved;
        piece->scale = (float)(piece->scale * scale);
        piece->add |= add;
    }
}

/* ---- reading ---- */

/* One row of values to its place; what is scaled or added is float. */
static void put_row(const eg_piece *piece, const uint8_t *row, uint8_t *out, size_t width, size_t size)
{
    const float *values = (const float *)row;
    float *sums = (float *)out;
    if (!piece->add && piece->scale == 1) {
        memcpy(out, row, width * size);
        return;
    }
    for (size_t i = 0; i < width; i++) sums[i] = (piece->add ? sums[i] : 0) + piece->scale * values[i];
}

/* The piece's values, row by row, to their place; an element has `size` bytes. */
static void scatter(const eg_mosaic *mosaic, const eg_piece *piece, const uint8_t *values, uint8_t *out,
                    size_t size)
{
    uint32_t rank = mosaic->shape.rank;
    int64_t index[MOST_DIMS] = {0}, width = rank ? piece->view.shape.dims[rank - 1] : 1;
    uint64_t rows = 0;
    eg_shape_numel(piece->view.shape, &rows);
    rows = width ? rows / (uint64_t)width : 0;
    for (uint64_t row = 0; row < rows; row++, values += (size_t)width * size) {
        int64_t start = 0;
        for (uint32_t d = 0; d < rank; d++) start = start * mosaic->shape.dims[d] + piece->at[d] + index[d];
        put_row(piece, values, out + (size_t)start * size, (size_t)width, size);
        for (uint32_t d = rank ? rank - 1 : 0; d-- > 0;) {
            if (++index[d] < piece->view.shape.dims[d]) break;
            index[d] = 0;
        }
    }
}

bool eg_mosaic_read(const eg_mosaic *mosaic, eg_dtype dtype, void *out, eg_error *err)
{
    uint64_t largest = 0, numel = 0;
    for (size_t i = 0; i < mosaic->count; i++) {
        if (!eg_shape_numel(mosaic->pieces[i].view.shape, &numel))
            return eg_fail_id(err, EG_MALFORMED, "TEN-004", "tensor '%s': size overflows 64 bits",
                              mosaic->pieces[i].source->name);
        largest = numel > largest ? numel : largest;
    }
    size_t element = eg_dtype_size(dtype), size;
    assert(dtype == EG_F32 || (dtype == mosaic->dtype && eg_mosaic_is_move(mosaic)));
    if (__builtin_mul_overflow(largest, element, &size))
        return eg_fail(err, EG_SYSTEM, "a transformed tensor is larger than any memory");
    uint8_t *values = eg_block_new(size, "a transformed tensor", err);
    bool ok = values != NULL;
    for (size_t i = 0; ok && i < mosaic->count; i++) {
        const eg_entry *view = &mosaic->pieces[i].view;
        ok = dtype == EG_F32 ? eg_entry_read_f32(view, (float *)values, err)
                             : eg_entry_read(view, values, err);
        if (ok) scatter(mosaic, &mosaic->pieces[i], values, out, element);
    }
    eg_block_free(values, size);
    return ok;
}

static bool read_any(const eg_mosaic *mosaic, void *out, eg_error *err)
{
    return eg_mosaic_is_plain(mosaic) ? eg_entry_read(mosaic->pieces[0].source, out, err)
                                      : eg_mosaic_read(mosaic, EG_F32, out, err);
}

bool eg_mosaic_compare(const eg_mosaic *a, const eg_mosaic *b, bool *equal, eg_error *err)
{
    enum { LARGEST = sizeof(double) * 2 }; /* an element of any dtype */
    uint64_t numel = 0;
    size_t size;
    *equal = false;
    if (a->dtype != b->dtype || !eg_shape_equal(a->shape, b->shape)) return true;
    if (eg_mosaic_is_plain(a) != eg_mosaic_is_plain(b)) return true;
    if (!eg_shape_numel(a->shape, &numel) || __builtin_mul_overflow(numel, LARGEST, &size)) return true;
    void *x = eg_block_new(size, "a tensor to be compared", err);
    void *y = x ? eg_block_new(size, "a tensor to be compared", err) : NULL;
    bool ok = y && read_any(a, x, err) && read_any(b, y, err);
    *equal = ok && memcmp(x, y, size) == 0;
    eg_block_free(x, size);
    eg_block_free(y, size);
    return ok;
}

/* ---- for people ---- */

const char *const *eg_mosaic_sources(eg_arena *arena, const eg_mosaic *mosaic, size_t *count)
{
    eg_map *seen = eg_map_new(arena);
    const char **names = EG_NEW_ARRAY(arena, const char *, mosaic->count);
    *count = 0;
    for (size_t i = 0; i < mosaic->count; i++)
        if (eg_map_add(seen, mosaic->pieces[i].source->name, 0))
            names[(*count)++] = mosaic->pieces[i].source->name;
    return names;
}

const char *const *eg_step_sources(eg_arena *arena, const eg_step *step, size_t *count)
{
    *count = 0;
    return step->value ? eg_mosaic_sources(arena, step->value, count) : NULL;
}
