#include "run/diff.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "tensor/convert.h"
#include "tensor/quantization.h"

enum { PIECE = 4096 /* elements converted at a time */, CANDIDATES = 64 /* looked at for one rename */ };

/* A tensor's bytes, contiguous. */
typedef struct content {
    const eg_entry *entry;
    uint8_t *bytes;
    size_t size;
} content;

static bool load(content *out, const eg_entry *entry, eg_error *err)
{
    uint64_t numel = 0;
    *out = (content){.entry = entry};
    if (!eg_shape_numel(entry->shape, &numel) ||
        __builtin_mul_overflow(numel, eg_dtype_size(entry->dtype), &out->size))
        return eg_fail_id(err, EG_MALFORMED, "TEN-004", "tensor '%s': size overflows 64 bits", entry->name);
    out->bytes = eg_block_new(out->size, entry->name, err);
    return out->bytes && eg_entry_read(entry, out->bytes, err);
}

static void unload(content *out)
{
    eg_block_free(out->bytes, out->size);
    out->bytes = NULL;
}

/* ---- values ---- */

/* Elements of the same type whose bits differ. */
static uint64_t count_bits(const content *a, const content *b, uint64_t numel)
{
    size_t size = eg_dtype_size(a->entry->dtype);
    uint64_t differing = 0;
    for (uint64_t i = 0; i < numel; i++)
        differing += memcmp(a->bytes + i * size, b->bytes + i * size, size) != 0;
    return differing;
}

static double distance(double x, double y)
{
    if (x == y || (isnan(x) && isnan(y))) return 0;
    double d = fabs(x - y);
    return isnan(d) ? INFINITY : d;
}

static void compare_numbers(const content *a, const content *b, eg_change *change, uint64_t *unequal)
{
    double x[PIECE], y[PIECE];
    size_t sizes[] = {eg_dtype_size(a->entry->dtype), eg_dtype_size(b->entry->dtype)};
    change->largest = *unequal = 0;
    for (uint64_t at = 0; at < change->numel; at += PIECE) {
        size_t n = change->numel - at < PIECE ? (size_t)(change->numel - at) : PIECE;
        eg_convert_f64(a->bytes + at * sizes[0], a->entry->dtype, x, n);
        eg_convert_f64(b->bytes + at * sizes[1], b->entry->dtype, y, n);
        for (size_t i = 0; i < n; i++) {
            double d = distance(x[i], y[i]);
            *unequal += d != 0;
            if (d > change->largest) change->largest = d;
        }
    }
}

static void compare_contents(const content *a, const content *b, eg_change *change)
{
    bool same_type = a->entry->dtype == b->entry->dtype;
    uint64_t unequal = change->numel;
    assert(a->bytes && b->bytes);
    if (same_type && memcmp(a->bytes, b->bytes, a->size) == 0) {
        if (!eg_quantization_equal(a->entry, b->entry)) change->kind = EG_CHANGE_QUANTIZATION;
        return;
    }
    change->kind = same_type ? EG_CHANGE_VALUES : EG_CHANGE_DTYPE;
    change->largest = NAN;
    if (eg_can_convert_f32(a->entry->dtype) && eg_can_convert_f32(b->entry->dtype))
        compare_numbers(a, b, change, &unequal);
    change->differing = same_type ? count_bits(a, b, change->numel) : unequal;
}

static bool compare(eg_change *change, eg_error *err)
{
    content a = {0}, b = {0};
    eg_shape_numel(change->a->shape, &change->numel);
    if (!eg_shape_equal(change->a->shape, change->b->shape)) {
        change->kind = EG_CHANGE_SHAPE;
        return true;
    }
    bool ok = load(&a, change->a, err) && load(&b, change->b, err);
    if (ok) compare_contents(&a, &b, change);
    unload(&a);
    unload(&b);
    return ok;
}

/* ---- renames ---- */

/* "F32 [2, 3] digest", and how quantized integers are to be read. */
static const char *identify(eg_arena *arena, const eg_entry *entry, eg_error *err)
{
    content c;
    char hex[65] = "";
    bool ok = load(&c, entry, err);
    if (ok) eg_sha256_hex(c.bytes, c.size, hex);
    unload(&c);
    if (!ok) return NULL;
    const char *meaning = entry->quantization ? eg_quantization_text(arena, entry->quantization) : "";
    return eg_arena_printf(arena, "%s %s %s %s", eg_dtype_name(entry->dtype),
                           eg_shape_text(arena, entry->shape), hex, meaning);
}

static size_t common_end(const char *a, const char *b)
{
    size_t m = strlen(a), n = strlen(b), same = 0;
    while (same < m && same < n && a[m - 1 - same] == b[n - 1 - same]) same++;
    return same;
}

/* Tensors of B without a partner, in lists of equal content. */
typedef struct orphans {
    eg_map *first; /* identity -> position in changes */
    int64_t *next; /* position in changes -> the next one of equal content, or -1 */
} orphans;

static bool collect(orphans *o, eg_diff *diff, eg_arena *arena, eg_error *err)
{
    o->first = eg_map_new(arena);
    o->next = EG_NEW_ARRAY(arena, int64_t, diff->count);
    for (size_t i = diff->count; i-- > 0;) {
        if (diff->changes[i].kind != EG_CHANGE_ONLY_B) continue;
        const char *identity = identify(arena, diff->changes[i].b, err);
        if (!identity) return false;
        o->next[i] = eg_map_find(o->first, identity);
        eg_map_set(o->first, identity, (int64_t)i);
    }
    return true;
}

/* The candidate whose name ends most like the given one; -1: none is left. */
static int64_t choose(const orphans *o, const eg_diff *diff, int64_t first, const char *name)
{
    int64_t best = -1;
    size_t most = 0;
    int looked = 0;
    for (int64_t i = first; i >= 0 && looked < CANDIDATES; i = o->next[i]) {
        if (diff->changes[i].kind != EG_CHANGE_ONLY_B) continue;
        looked++;
        size_t same = common_end(name, diff->changes[i].b->name);
        if (best >= 0 && same <= most) continue;
        best = i;
        most = same;
    }
    return best;
}

static bool pair(eg_diff *diff, eg_arena *arena, eg_error *err)
{
    orphans o;
    if (!collect(&o, diff, arena, err)) return false;
    for (size_t i = 0; i < diff->count; i++) {
        eg_change *change = &diff->changes[i];
        if (change->kind != EG_CHANGE_ONLY_A) continue;
        const char *identity = identify(arena, change->a, err);
        if (!identity) return false;
        int64_t first = eg_map_find(o.first, identity), at = choose(&o, diff, first, change->a->name);
        if (at < 0) continue;
        change->kind = EG_CHANGE_RENAMED;
        change->b = diff->changes[at].b;
        diff->changes[at].kind = EG_CHANGE_NONE;
        diff->changes[at].b = NULL; /* told once, at A's place */
        while (first >= 0 && !diff->changes[first].b) first = o.next[first];
        eg_map_set(o.first, identity, first);
    }
    return true;
}

/* ---- all ---- */

static void add(eg_diff *diff, eg_change_kind kind, const eg_entry *a, const eg_entry *b)
{
    eg_change *change = &diff->changes[diff->count++];
    *change = (eg_change){.kind = kind, .a = a, .b = b};
    eg_shape_numel((a ? a : b)->shape, &change->numel);
}

/* B's tensors that A has too, in B's order, against A's order. */
static bool is_same_order(const eg_store *a, const eg_store *b)
{
    const eg_entry *last = NULL;
    for (size_t i = 0; i < b->count; i++) {
        const eg_entry *entry = eg_store_find(a, b->entries[i].name);
        if (!entry) continue;
        if (last && entry < last) return false;
        last = entry;
    }
    return true;
}

static void drop_paired(eg_diff *diff)
{
    size_t kept = 0;
    for (size_t i = 0; i < diff->count; i++)
        if (diff->changes[i].a || diff->changes[i].b) diff->changes[kept++] = diff->changes[i];
    diff->count = kept;
}

bool eg_diff_build(eg_diff *diff, eg_arena *arena, const eg_store *a, const eg_store *b, eg_error *err)
{
    *diff = (eg_diff){.changes = EG_NEW_ARRAY(arena, eg_change, a->count + b->count)};
    for (size_t i = 0; i < a->count; i++) {
        const eg_entry *other = eg_store_find(b, a->entries[i].name);
        add(diff, other ? EG_CHANGE_NONE : EG_CHANGE_ONLY_A, &a->entries[i], other);
        if (other && !compare(&diff->changes[i], err)) return false;
    }
    size_t lost = diff->count;
    for (size_t i = 0; i < b->count; i++)
        if (!eg_store_find(a, b->entries[i].name)) add(diff, EG_CHANGE_ONLY_B, NULL, &b->entries[i]);
    if (diff->count > lost && !pair(diff, arena, err)) return false;
    drop_paired(diff);
    for (size_t i = 0; i < diff->count; i++) diff->counts[diff->changes[i].kind]++;
    diff->equal = diff->counts[EG_CHANGE_NONE] == diff->count;
    diff->same_order = is_same_order(a, b);
    return true;
}
