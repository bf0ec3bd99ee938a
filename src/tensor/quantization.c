#include "tensor/quantization.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"

/* Scales and zero points of the axis, or one of each. */
typedef struct pairs {
    float *scales, *zeros;
    uint64_t count;
} pairs;

static bool read_pairs(const eg_entry *entry, pairs *p, eg_error *err)
{
    const eg_quantization *q = entry->quantization;
    p->count = q->scales ? (uint64_t)entry->shape.dims[q->axis] : 1;
    p->scales = eg_block_new((size_t)p->count * 2 * sizeof *p->scales, entry->name, err);
    if (!p->scales) return false;
    p->zeros = p->scales + p->count;
    if (q->scales)
        return eg_entry_read_f32(q->scales, p->scales, err) &&
               eg_entry_read_f32(q->zero_points, p->zeros, err);
    p->scales[0] = (float)q->scale;
    p->zeros[0] = (float)q->zero_point;
    return true;
}

static float integer_at(const uint8_t *bytes, eg_dtype dtype, uint64_t at)
{
    int32_t wide;
    if (dtype == EG_QU8) return bytes[at];
    if (dtype == EG_QI8) return (float)(int8_t)bytes[at];
    memcpy(&wide, bytes + at * sizeof wide, sizeof wide);
    return (float)wide;
}

/* Elements come in runs of one index of the axis. */
static void convert(const eg_entry *entry, const uint8_t *bytes, uint64_t numel, const pairs *p, float *out)
{
    uint64_t run = 1;
    for (uint32_t i = entry->quantization->axis + 1; p->count > 1 && i < entry->shape.rank; i++)
        run *= (uint64_t)entry->shape.dims[i];
    for (uint64_t i = 0; i < numel; i++) {
        uint64_t channel = p->count > 1 ? i / run % p->count : 0;
        out[i] = p->scales[channel] * (integer_at(bytes, entry->dtype, i) - p->zeros[channel]);
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
    if (ok) convert(entry, bytes, numel, &p, out);
    eg_block_free(p.scales, (size_t)p.count * 2 * sizeof *p.scales);
    eg_block_free(bytes, size);
    return ok;
}
