#include "run/health.h"

#include <math.h>

#include "base/memory.h"
#include "base/sha256.h"
#include "base/str.h"
#include "tensor/convert.h"

enum { PIECE = 4096 }; /* elements converted at a time */

typedef struct numbers {
    const uint8_t *bytes;
    eg_dtype dtype;
    uint64_t count;
} numbers;

/* Calls use(value) of every element, in order. */
static void each(const numbers *x, void (*use)(eg_health *health, double value), eg_health *health)
{
    double piece[PIECE];
    for (uint64_t at = 0; at < x->count; at += PIECE) {
        size_t n = x->count - at < PIECE ? (size_t)(x->count - at) : PIECE;
        eg_convert_f64(x->bytes + at * eg_dtype_size(x->dtype), x->dtype, piece, n);
        for (size_t i = 0; i < n; i++) use(health, piece[i]);
    }
}

static void add_value(eg_health *h, double value)
{
    if (isnan(value)) {
        h->nan++;
    } else if (isinf(value)) {
        h->inf++;
    } else {
        h->mean += value;
        h->min = value < h->min ? value : h->min;
        h->max = value > h->max ? value : h->max;
    }
}

static void add_square(eg_health *h, double value)
{
    if (isfinite(value)) h->std += (value - h->mean) * (value - h->mean);
}

/* Two passes: the mean, then the squares of the distances from it. */
static void measure(const eg_entry *entry, const numbers *x, eg_health *h)
{
    h->min = INFINITY;
    h->max = -INFINITY;
    each(x, add_value, h);
    uint64_t finite = h->numel - h->nan - h->inf;
    h->mean = finite ? h->mean / (double)finite : NAN;
    each(x, add_square, h);
    h->std = finite > 1 ? sqrt(h->std / (double)(finite - 1)) : NAN;
    if (!finite) h->min = h->max = NAN;
    h->constant = h->numel > 1 && finite == h->numel && h->min == h->max;
    h->negative_variance = h->min < 0 && eg_ends_with(entry->name, "running_var");
}

bool eg_health_check(const eg_entry *entry, bool digest, bool stats, eg_health *health, eg_error *err)
{
    *health = (eg_health){0};
    if (!eg_shape_numel(entry->shape, &health->numel))
        return eg_fail_id(err, EG_MALFORMED, "TEN-004", "tensor '%s': size overflows 64 bits", entry->name);
    size_t size = health->numel * eg_dtype_size(entry->dtype);
    void *block = eg_block_new(size, entry->name, err);
    bool ok = block && eg_entry_read(entry, block, err);
    if (ok && digest) eg_sha256_hex(block, size, health->sha256);
    health->known = ok && stats && eg_can_convert_f32(entry->dtype);
    if (health->known) measure(entry, &(numbers){block, entry->dtype, health->numel}, health);
    eg_block_free(block, size);
    return ok;
}

const char *eg_health_text(eg_arena *arena, const eg_health *h)
{
    eg_buf buf = {0};
    if (h->nan) eg_buf_printf(&buf, "%llu NaN, ", (unsigned long long)h->nan);
    if (h->inf) eg_buf_printf(&buf, "%llu infinite, ", (unsigned long long)h->inf);
    if (h->constant) eg_buf_puts(&buf, "constant, ");
    if (h->negative_variance) eg_buf_puts(&buf, "negative variance, ");
    if (!buf.length) return NULL;
    buf.data[buf.length -= 2] = '\0';
    return eg_buf_take(&buf, arena);
}
