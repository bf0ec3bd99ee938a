#include "format/torch_sparse.h"

#include <string.h>

#include "base/memory.h"

/* The parts, and the dense elements once they are made. */
typedef struct dense {
    eg_torch_sparse from;
    const char *name;
    uint8_t *block;
    size_t size;
} dense;

/* Parts in memory while the dense elements are made. */
typedef struct parts {
    int64_t *indices, *plain;
    uint8_t *values;
    uint64_t index_count, plain_count, count; /* count: values of `run` elements each */
    uint64_t run;
    size_t value_bytes;
} parts;

static bool misfit(const char *name, const char *detail, eg_error *err)
{
    return eg_fail_id(err, EG_MALFORMED, "TEN-009", "tensor '%s': %s tensors are not supported (%s)", name,
                      "such sparse", detail);
}

static bool is_index(const eg_entry *entry)
{
    return entry->dtype == EG_I64 || entry->dtype == EG_I32;
}

/* indices (s, n), values (n, …) whose other dimensions are the shape's last ones. */
static bool check_coo(const eg_torch_sparse *s, const char *name, eg_error *err)
{
    const eg_shape *index = &s->indices.shape, *value = &s->values.shape;
    if (index->rank != 2 || value->rank < 1 || index->dims[1] != value->dims[0])
        return misfit(name, "indices and values differ in number", err);
    uint64_t sparse = (uint64_t)index->dims[0];
    if (sparse + value->rank - 1 != s->shape.rank)
        return misfit(name, "indices and values do not make up the shape", err);
    for (uint32_t i = 1; i < value->rank; i++)
        if (value->dims[i] != s->shape.dims[sparse + i - 1])
            return misfit(name, "the values' dimensions are not the shape's", err);
    return true;
}

/* The compressed layouts: which dimension has the starts, and whether the values are blocks. */
static const struct layout {
    const char *name;
    uint32_t major;
    bool blocks;
} layouts[] = {
    {"sparse_csr", 0, false}, {"sparse_csc", 1, false}, {"sparse_bsr", 0, true}, {"sparse_bsc", 1, true}};

/* NULL: sparse_coo. */
static const struct layout *find_layout(const char *name)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (strcmp(name, layouts[i].name) == 0) return &layouts[i];
    return NULL;
}

bool eg_torch_sparse_is_layout(const char *name)
{
    return strcmp(name, "sparse_coo") == 0 || find_layout(name);
}

/* indices (blocks along the major dimension + 1), plain (n), values (n) or (n, block rows, block columns). */
static bool check_compressed(const eg_torch_sparse *s, const char *name, eg_error *err)
{
    const struct layout *layout = find_layout(s->layout);
    const eg_shape *values = &s->values.shape;
    if (s->shape.rank != 2 || s->indices.shape.rank != 1 || s->plain.shape.rank != 1 ||
        values->rank != (layout->blocks ? 3 : 1))
        return misfit(name, "only two dimensions", err);
    for (uint32_t i = 0; layout->blocks && i < 2; i++)
        if (values->dims[i + 1] < 1 || s->shape.dims[i] % values->dims[i + 1])
            return misfit(name, "blocks that do not divide the shape", err);
    int64_t block = layout->blocks ? values->dims[layout->major + 1] : 1;
    if (s->indices.shape.dims[0] - 1 != s->shape.dims[layout->major] / block ||
        s->plain.shape.dims[0] != values->dims[0])
        return misfit(name, "indices and values differ in number", err);
    return is_index(&s->plain) || misfit(name, "indices that are no integers", err);
}

/* ---- making it dense ---- */

static bool out_of_range(const dense *d, int64_t index, uint64_t size, eg_error *err)
{
    return eg_fail_id(err, EG_MALFORMED, "TEN-011", "tensor '%s': sparse index %lld in a dimension of %llu",
                      d->name, (long long)index, (unsigned long long)size);
}

/* Integers of 32 or 64 bits as 64. */
static int64_t *read_indices(const eg_entry *entry, uint64_t *count, eg_error *err)
{
    if (!eg_shape_numel(entry->shape, count)) return NULL;
    int64_t *out = eg_block_new((size_t)*count * sizeof *out, entry->name, err);
    if (!out || !eg_entry_read(entry, out, err)) {
        eg_block_free(out, (size_t)*count * sizeof *out);
        return NULL;
    }
    for (uint64_t i = entry->dtype == EG_I32 ? *count : 0; i-- > 0;) {
        int32_t narrow;
        memcpy(&narrow, (const uint8_t *)out + i * sizeof narrow, sizeof narrow);
        out[i] = narrow; /* from the back, so that nothing unread is overwritten */
    }
    return out;
}

static bool read_parts(const dense *d, parts *p, eg_error *err)
{
    const eg_torch_sparse *s = &d->from;
    uint64_t numel = 0;
    eg_shape_numel(s->values.shape, &numel);
    p->count = (uint64_t)s->values.shape.dims[0];
    p->run = p->count ? numel / p->count : 0;
    p->value_bytes = (size_t)numel * eg_dtype_size(s->values.dtype);
    p->values = eg_block_new(p->value_bytes, d->name, err);
    if (!p->values || !eg_entry_read(&s->values, p->values, err)) return false;
    p->indices = read_indices(&s->indices, &p->index_count, err);
    if (!p->indices) return false;
    if (s->plain.storage) p->plain = read_indices(&s->plain, &p->plain_count, err);
    return !s->plain.storage || p->plain;
}

static void free_parts(parts *p)
{
    eg_block_free(p->values, p->value_bytes);
    eg_block_free(p->indices, (size_t)p->index_count * sizeof *p->indices);
    eg_block_free(p->plain, (size_t)p->plain_count * sizeof *p->plain);
}

/* Adds `count` values, the first of which is element `value`, at element `place`; what is there is zero or
 * another value of the same index. */
static bool add_run(dense *d, const parts *p, uint64_t value, uint64_t place, uint64_t count, eg_error *err)
{
    size_t item = eg_dtype_size(d->from.values.dtype);
    const uint8_t *from = p->values + value * item;
    uint8_t *to = d->block + place * item;
    for (uint64_t i = 0; i < count; i++, from += item, to += item) {
        uint64_t before = 0;
        memcpy(&before, to, item < sizeof before ? item : sizeof before);
        if (before == 0) {
            memcpy(to, from, item);
        } else if (d->from.values.dtype == EG_F32) {
            float a, b;
            memcpy(&a, to, sizeof a), memcpy(&b, from, sizeof b);
            a += b;
            memcpy(to, &a, sizeof a);
        } else if (d->from.values.dtype == EG_F64) {
            double a, b;
            memcpy(&a, to, sizeof a), memcpy(&b, from, sizeof b);
            a += b;
            memcpy(to, &a, sizeof a);
        } else {
            return misfit(d->name, "repeated indices; call coalesce() before saving", err);
        }
    }
    return true;
}

static bool fill_coo(dense *d, const parts *p, eg_error *err)
{
    uint64_t rank = (uint64_t)d->from.indices.shape.dims[0];
    for (uint64_t k = 0; k < p->count; k++) {
        uint64_t place = 0;
        for (uint64_t i = 0; i < rank; i++) {
            int64_t index = p->indices[i * p->count + k], size = d->from.shape.dims[i];
            if (index < 0 || index >= size) return out_of_range(d, index, (uint64_t)size, err);
            place = place * (uint64_t)size + (uint64_t)index;
        }
        if (!add_run(d, p, k * p->run, place * p->run, p->run, err)) return false;
    }
    return true;
}

/* Puts value or block k at these coordinates, in blocks. */
static bool add_block(dense *d, const parts *p, uint64_t k, uint64_t row, uint64_t column, eg_error *err)
{
    bool blocks = d->from.values.shape.rank == 3;
    uint64_t height = blocks ? (uint64_t)d->from.values.shape.dims[1] : 1;
    uint64_t width = blocks ? (uint64_t)d->from.values.shape.dims[2] : 1;
    uint64_t columns = (uint64_t)d->from.shape.dims[1];
    for (uint64_t r = 0; r < height; r++)
        if (!add_run(d, p, (k * height + r) * width, (row * height + r) * columns + column * width, width,
                     err))
            return false;
    return true;
}

static bool fill_compressed(dense *d, const parts *p, uint32_t major, eg_error *err)
{
    uint64_t starts = p->index_count - 1;
    const eg_shape *values = &d->from.values.shape;
    uint64_t minor = (uint64_t)d->from.shape.dims[!major];
    if (values->rank == 3) minor /= (uint64_t)values->dims[2 - major];
    for (uint64_t i = 0; i < starts; i++) {
        int64_t start = p->indices[i], end = p->indices[i + 1];
        if (start < 0 || end < start || (uint64_t)end > p->count) return out_of_range(d, end, p->count, err);
        for (int64_t k = start; k < end; k++) {
            int64_t j = p->plain[k];
            if (j < 0 || (uint64_t)j >= minor) return out_of_range(d, j, minor, err);
            uint64_t row = major ? (uint64_t)j : i, column = major ? i : (uint64_t)j;
            if (!add_block(d, p, (uint64_t)k, row, column, err)) return false;
        }
    }
    return true;
}

static bool load_dense(eg_storage *storage, eg_error *err)
{
    dense *d = storage->context;
    parts p = {0};
    const struct layout *layout = find_layout(d->from.layout);
    if (!d->block) d->block = eg_block_new(d->size, d->name, err);
    bool ok = d->block && read_parts(d, &p, err);
    if (ok) ok = layout ? fill_compressed(d, &p, layout->major, err) : fill_coo(d, &p, err);
    free_parts(&p);
    if (!ok) return false;
    storage->bytes = d->block;
    storage->load = NULL;
    return true;
}

static void free_dense(void *object)
{
    dense *d = object;
    eg_block_free(d->block, d->size);
}

bool eg_torch_sparse_place(eg_arena *arena, const eg_torch_sparse *sparse, const char *name, eg_entry *entry,
                           eg_error *err)
{
    uint64_t numel = 0;
    if (!is_index(&sparse->indices)) return misfit(name, "indices that are no integers", err);
    if (!(find_layout(sparse->layout) ? check_compressed : check_coo)(sparse, name, err)) return false;
    eg_shape_numel(sparse->shape, &numel); /* checked by the caller */
    dense *d = EG_NEW(arena, dense);
    eg_storage *storage = EG_NEW(arena, eg_storage);
    *d = (dense){.from = *sparse, .name = name, .size = (size_t)numel * eg_dtype_size(sparse->values.dtype)};
    *storage = (eg_storage){.key = name, .size = d->size, .fd = -1, .load = load_dense, .context = d};
    eg_arena_defer(arena, free_dense, d);
    *entry =
        (eg_entry){.name = name, .dtype = sparse->values.dtype, .shape = sparse->shape, .storage = storage};
    return true;
}
