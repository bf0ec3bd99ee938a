#include "tensor/quantization.h"

#include <assert.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/str.h"
#include "tensor/convert.h"

/* Scales and zero points of the axis, or one of each. */
typedef struct pairs {
    double *scales, *zeros;
    uint64_t count;
} pairs;

static bool read_doubles(const eg_entry *entry, double *out, uint64_t count, eg_error *err)
{
    size_t size = eg_size_product((size_t)count, eg_dtype_size(entry->dtype));
    void *raw = eg_block_new(size, entry->name, err);
    bool ok = raw && eg_entry_read(entry, raw, err);
    if (ok) eg_convert_f64(raw, entry->dtype, out, count);
    eg_block_free(raw, size);
    return ok;
}

static bool read_pairs(const eg_entry *entry, pairs *p, eg_error *err)
{
    const eg_quantization *q = entry->quantization;
    p->count = q->scales ? (uint64_t)entry->shape.dims[q->axis] : 1;
    p->scales = eg_block_new((size_t)p->count * 2 * sizeof *p->scales, entry->name, err);
    if (!p->scales) return false;
    p->zeros = p->scales + p->count;
    if (q->scales)
        return read_doubles(q->scales, p->scales, p->count, err) &&
               read_doubles(q->zero_points, p->zeros, p->count, err);
    p->scales[0] = q->scale;
    p->zeros[0] = (double)q->zero_point;
    return true;
}

static void free_pairs(pairs *p)
{
    eg_block_free(p->scales, (size_t)p->count * 2 * sizeof *p->scales);
}

static double integer_at(const uint8_t *bytes, eg_dtype dtype, uint64_t at)
{
    int32_t wide;
    if (dtype == EG_QU8) return bytes[at];
    if (dtype == EG_QI8) return (int8_t)bytes[at];
    memcpy(&wide, bytes + at * sizeof wide, sizeof wide);
    return wide;
}

/* fbgemm's Dequantize: the exact difference, rounded, times a float. */
static void convert_whole(const uint8_t *bytes, eg_dtype dtype, uint64_t numel, const pairs *p, float *out)
{
    float scale = (float)p->scales[0];
    for (uint64_t i = 0; i < numel; i++) out[i] = scale * (float)(integer_at(bytes, dtype, i) - p->zeros[0]);
}

/* ATen's per-channel kernel: a difference of floats times a double. Elements come in runs of one index. */
static void convert_channels(const eg_entry *entry, const uint8_t *bytes, uint64_t numel, const pairs *p,
                             float *out)
{
    uint64_t run = 1;
    for (uint32_t i = entry->quantization->axis + 1; i < entry->shape.rank; i++)
        run *= (uint64_t)entry->shape.dims[i];
    for (uint64_t i = 0; i < numel; i++) {
        uint64_t channel = i / run % p->count;
        float difference = (float)integer_at(bytes, entry->dtype, i) - (float)p->zeros[channel];
        out[i] = (float)((double)difference * p->scales[channel]);
    }
}

bool eg_dequantize(const eg_entry *entry, float *out, eg_error *err)
{
    pairs p = {0};
    uint64_t numel = 0;
    assert(entry->quantization);
    if (!eg_shape_numel(entry->shape, &numel))
        return eg_fail_id(err, EG_MALFORMED, "TEN-004", "tensor '%s': size overflows 64 bits", entry->name);
    if (numel == 0) return true;
    size_t size = (size_t)numel * eg_dtype_size(entry->dtype);
    uint8_t *bytes = eg_block_new(size, entry->name, err);
    bool ok = bytes && eg_entry_read(entry, bytes, err) && read_pairs(entry, &p, err);
    if (ok && entry->quantization->scales)
        convert_channels(entry, bytes, numel, &p, out);
    else if (ok)
        convert_whole(bytes, entry->dtype, numel, &p, out);
    free_pairs(&p);
    eg_block_free(bytes, size);
    return ok;
}

const char *eg_quantization_text(eg_arena *arena, const eg_quantization *q)
{
    if (!q->scales)
        return eg_arena_printf(arena, "scale %s, zero point %lld", eg_real_text(arena, q->scale),
                               (long long)q->zero_point);
    return eg_arena_printf(arena, "%lld scales and zero points along axis %u",
                           (long long)q->scales->shape.dims[0], q->axis);
}

static bool equal_pairs(const pairs *a, const pairs *b)
{
    for (uint64_t i = 0; i < a->count; i++)
        if (a->scales[i] != b->scales[i] || a->zeros[i] != b->zeros[i]) return false;
    return true;
}

bool eg_quantization_equal(const eg_entry *a, const eg_entry *b)
{
    pairs p = {0}, q = {0};
    if (!a->quantization || !b->quantization) return a->quantization == b->quantization;
    if (!a->quantization->scales != !b->quantization->scales ||
        a->quantization->axis != b->quantization->axis)
        return false;
    bool equal = read_pairs(a, &p, NULL) && read_pairs(b, &q, NULL) && equal_pairs(&p, &q);
    free_pairs(&p);
    free_pairs(&q);
    return equal;
}

/* ---- stores ---- */

/* A quantized entry, and its numbers once they are made. */
typedef struct lazy_numbers {
    eg_entry from;
    float *numbers;
    size_t size;
} lazy_numbers;

static void free_numbers(void *object)
{
    lazy_numbers *lazy = object;
    eg_block_free(lazy->numbers, lazy->size);
}

static bool load_numbers(eg_storage *storage, eg_error *err)
{
    lazy_numbers *lazy = storage->context;
    if (!lazy->numbers) lazy->numbers = eg_block_new(lazy->size, storage->key, err);
    if (!lazy->numbers || !eg_dequantize(&lazy->from, lazy->numbers, err)) return false;
    storage->bytes = (const uint8_t *)lazy->numbers;
    storage->load = NULL;
    return true;
}

static bool same_quantization(const eg_quantization *a, const eg_quantization *b)
{
    return a == b || (!a->scales && !b->scales && a->scale == b->scale && a->zero_point == b->zero_point);
}

static bool same_view(const eg_entry *a, const eg_entry *b)
{
    size_t bytes = a->shape.rank * sizeof *a->strides;
    return a->storage == b->storage && a->offset == b->offset && a->dtype == b->dtype &&
           eg_shape_equal(a->shape, b->shape) && !a->strides == !b->strides &&
           (!a->strides || memcmp(a->strides, b->strides, bytes) == 0) &&
           same_quantization(a->quantization, b->quantization);
}

static eg_storage *numbers_of(const eg_entry *from, eg_arena *arena)
{
    uint64_t numel = 0;
    eg_storage *storage = EG_NEW(arena, eg_storage);
    lazy_numbers *lazy = EG_NEW(arena, lazy_numbers);
    eg_shape_numel(from->shape, &numel);
    *lazy = (lazy_numbers){.from = *from, .size = eg_size_product((size_t)numel, sizeof(float))};
    *storage = (eg_storage){
        .key = from->storage->key, .size = lazy->size, .fd = -1, .load = load_numbers, .context = lazy};
    eg_arena_defer(arena, free_numbers, lazy);
    return storage;
}

void eg_store_dequantize(eg_store *store, eg_arena *arena)
{
    eg_entry *entries = EG_NEW_ARRAY(arena, eg_entry, store->count);
    eg_map *first = eg_map_new(arena); /* place -> position of the first entry there */
    for (size_t i = 0; i < store->count; i++) {
        const eg_entry *from = &store->entries[i];
        entries[i] = *from;
        if (!from->quantization) continue;
        const char *place =
            eg_arena_printf(arena, "%p %llu", (void *)from->storage, (unsigned long long)from->offset);
        int64_t at = eg_map_find(first, place);
        bool tied = at >= 0 && same_view(&store->entries[at], from);
        if (at < 0) eg_map_add(first, place, (int64_t)i);
        entries[i] = (eg_entry){.name = from->name,
                                .dtype = EG_F32,
                                .shape = from->shape,
                                .storage = tied ? entries[at].storage : numbers_of(from, arena)};
    }
    store->entries = entries;
}
