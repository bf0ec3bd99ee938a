/* Tensors that are put together from several of the other file, or that several of it are cut out of. Slices
 * of the whole are looked for among the parts; first elements rule out most of them unread. */
#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "plan/content.h"
#include "plan/kinship.h"

enum { MOST_DIMS = 64, MOST_PARTS = 4096, MOST_READS = 4096 };

/* Tensors that may be parts: sources of a target, or targets that a source is cut into. */
typedef struct shelf {
    const eg_store *store;
    const char **keys;
    uint64_t *heads;
    bool *fits; /* may be taken */
} shelf;

typedef struct puzzle {
    eg_pair_search *s;
    const shelf *parts;
    const eg_entry *whole;
    eg_dtype dtype; /* that contents are compared as */
    uint32_t dim;
    bool stack; /* parts lack the dim */
    size_t found[MOST_PARTS], count;
    size_t reads;
    bool failed;
} puzzle;

static int64_t stride_of(const eg_entry *entry, uint32_t dim)
{
    int64_t stride = 1;
    if (entry->strides) return entry->strides[dim];
    for (uint32_t d = dim + 1; d < entry->shape.rank; d++) stride *= entry->shape.dims[d];
    return stride;
}

/* Elements start … start+length-1 of the dim; dims and strides have room for all of them. */
static eg_entry slice(const puzzle *z, int64_t start, int64_t length, int64_t *dims, int64_t *strides)
{
    eg_entry view = *z->whole;
    uint32_t rank = 0;
    for (uint32_t d = 0; d < view.shape.rank; d++) {
        if (z->stack && d == z->dim) continue;
        dims[rank] = d == z->dim ? length : view.shape.dims[d];
        strides[rank++] = stride_of(z->whole, d);
    }
    view.offset += (uint64_t)(start * stride_of(z->whole, z->dim)) * eg_dtype_size(view.dtype);
    view.shape = (eg_shape){rank, dims};
    view.strides = strides;
    return view;
}

/* How much of the dim the part takes; 0: its shape does not fit. */
static int64_t length_of(const puzzle *z, size_t part)
{
    eg_shape whole = z->whole->shape, shape = z->parts->store->entries[part].shape;
    if (shape.rank + z->stack != whole.rank) return 0;
    for (uint32_t d = 0, i = 0; d < whole.rank; d++) {
        if (d == z->dim && z->stack) continue;
        if (d != z->dim && shape.dims[i] != whole.dims[d]) return 0;
        i++;
    }
    return z->stack ? 1 : shape.dims[z->dim];
}

static bool is_taken(const puzzle *z, size_t part)
{
    for (size_t i = 0; i < z->count; i++)
        if (z->found[i] == part) return true;
    return false;
}

/* Of several that fit, the one that stands closest behind the last. */
static int64_t find_part(puzzle *z, int64_t start, int64_t length)
{
    int64_t dims[MOST_DIMS], strides[MOST_DIMS], best = -1;
    const eg_entry view = slice(z, start, length, dims, strides);
    const char *key = NULL;
    uint64_t head;
    size_t last = z->count ? z->found[z->count - 1] : 0, least = SIZE_MAX;
    if (!eg_content_head(&view, z->dtype, &head, z->s->err)) z->failed = true;
    for (size_t i = 0; !z->failed && i < z->parts->store->count; i++) {
        size_t distance = i > last ? i - last : last - i + z->parts->store->count;
        if (!z->parts->fits[i] || z->parts->heads[i] != head || length_of(z, i) != length ||
            distance >= least || is_taken(z, i))
            continue;
        if (!key && z->reads++ == MOST_READS) return -1;
        if (!key) key = eg_pair_key(z->s, &view, z->dtype);
        z->failed = !key;
        if (z->failed || strcmp(key, z->parts->keys[i]) != 0) continue;
        best = (int64_t)i;
        least = distance;
    }
    return best;
}

/* Fills the dim from start on, the longest parts first. */
static bool fill(puzzle *z, int64_t start)
{
    int64_t size = z->whole->shape.dims[z->dim], length = size - start;
    if (length == 0) return z->count > 1;
    while (!z->failed && z->reads <= MOST_READS && z->count < MOST_PARTS) {
        int64_t next = 0;
        for (size_t i = 0; i < z->parts->store->count; i++) {
            int64_t one = z->parts->fits[i] ? length_of(z, i) : 0;
            if (one > next && one <= length) next = one;
        }
        if (!next) return false;
        int64_t part = find_part(z, start, next);
        if (part >= 0) {
            z->found[z->count++] = (size_t)part;
            if (fill(z, start + next)) return true;
            z->count--;
        }
        length = next - 1;
    }
    return false;
}

/* Every dim that the whole can be cut along; the parts are in `found`. */
static bool solve(puzzle *z)
{
    uint32_t rank = z->whole->shape.rank;
    if (rank > MOST_DIMS) return false;
    for (int stack = 0; stack < 2; stack++)
        for (z->dim = 0; z->dim < rank && !z->failed; z->dim++) {
            z->stack = stack;
            z->count = 0;
            if (fill(z, 0)) return true;
        }
    return false;
}

#define TRANSPOSE "{transpose: [0, 1]}"

/* The matrix the other way round; false: it is none. */
static bool flip(eg_arena *arena, const eg_entry *entry, eg_entry *out)
{
    if (entry->shape.rank != 2) return false;
    const int64_t strides[] = {stride_of(entry, 1), stride_of(entry, 0)};
    *out = *entry;
    out->shape = eg_shape_copy(arena, (int64_t[]){entry->shape.dims[1], entry->shape.dims[0]}, 2);
    out->strides = eg_arena_copy(arena, strides, sizeof strides);
    return true;
}

/* ---- targets made of sources ---- */

static eg_dtype compared_as(const eg_entry *source, eg_dtype target)
{
    return target == EG_F32 && eg_content_casts(source->dtype) ? EG_F32 : source->dtype;
}

static const char *content_key(eg_pair_search *s, const eg_content *content, eg_shape shape)
{
    uint64_t numel = 0;
    eg_shape_numel(shape, &numel);
    return eg_arena_printf(s->arena, "%s %llu", content->digest, (unsigned long long)numel);
}

/* Sources as parts of F32 targets, or of targets of their own dtype. */
static bool shelve_sources(eg_pair_search *s, shelf *out, eg_dtype target)
{
    const eg_store *store = s->pairing->from;
    *out =
        (shelf){store, EG_NEW_ARRAY(s->arena, const char *, store->count),
                EG_NEW_ARRAY(s->arena, uint64_t, store->count), EG_NEW_ARRAY(s->arena, bool, store->count)};
    for (size_t i = 0; i < store->count; i++) {
        const eg_entry *entry = &store->entries[i];
        eg_dtype dtype = compared_as(entry, target);
        out->fits[i] = dtype == target;
        if (!out->fits[i]) continue;
        out->keys[i] = content_key(s, &s->source[dtype != entry->dtype][i], entry->shape);
        if (!eg_content_head(entry, dtype, &out->heads[i], s->err)) return false;
    }
    return true;
}

/* As it stands, or transposed after the parts have been joined. */
static bool join_target(eg_pair_search *s, shelf *sources, puzzle *z, size_t target)
{
    const eg_entry *entry = &s->pairing->to->entries[target];
    eg_entry flipped;
    bool again = flip(s->arena, entry, &flipped);
    *z = (puzzle){.s = s, .parts = sources, .whole = entry, .dtype = entry->dtype};
    bool found = solve(z), turned = !found && !z->failed && again;
    if (turned) {
        z->whole = &flipped;
        found = solve(z);
    }
    eg_link_kind kind = z->stack ? EG_LINK_STACK : EG_LINK_CONCAT;
    if (found)
        eg_pair_link(s, target,
                     (eg_link){kind, z->found, z->count, .dim = z->dim, .ops = turned ? TRANSPOSE : ""});
    return !z->failed;
}

/* Sources that nothing has taken first; then all. */
static bool join_targets(eg_pair_search *s, puzzle *z)
{
    for (int spent = 0; spent < 2; spent++)
        for (eg_dtype dtype = 0; dtype < EG_DTYPE_COUNT; dtype++) {
            shelf sources = {0};
            for (size_t t = 0; t < s->pairing->to->count; t++) {
                if (s->pairing->to->entries[t].dtype != dtype || s->pairing->links[t].kind ||
                    s->pairing->constant[t])
                    continue;
                if (!sources.store && !shelve_sources(s, &sources, dtype)) return false;
                for (size_t i = 0; i < sources.store->count; i++)
                    sources.fits[i] = sources.keys[i] && (spent || !s->used[i]);
                if (!join_target(s, &sources, z, t)) return false;
            }
        }
    return true;
}

/* ---- targets cut out of sources ---- */

/* turned: the parts are those of the transposed source, which is cut along its other dim. */
static void link_cuts(eg_pair_search *s, const puzzle *z, size_t source, bool turned)
{
    const size_t *group = eg_arena_copy(s->arena, z->found, z->count * sizeof *group);
    const char *ops = turned ? TRANSPOSE : z->stack ? eg_arena_printf(s->arena, "{squeeze: %u}", z->dim) : "";
    for (size_t i = 0; i < z->count; i++)
        eg_pair_link(
            s, group[i],
            (eg_link){EG_LINK_SPLIT, &source, 1, turned ? 1 - z->dim : z->dim, group, z->count, ops});
}

static bool all_constant(const puzzle *z)
{
    bool all = true;
    for (size_t i = 0; i < z->count; i++) all &= z->s->pairing->constant[z->found[i]];
    return all;
}

static bool cut_source(eg_pair_search *s, puzzle *z, size_t source)
{
    eg_entry flipped;
    bool again = flip(s->arena, z->whole, &flipped);
    if (solve(z) && !all_constant(z)) {
        link_cuts(s, z, source, false);
        return true;
    }
    if (z->failed || !again) return !z->failed;
    z->whole = &flipped;
    if (solve(z) && !all_constant(z) && !z->stack) link_cuts(s, z, source, true);
    return !z->failed;
}

/* What is left on both sides; constants may be parts, but not the whole. */
static bool cut_sources(eg_pair_search *s, puzzle *z)
{
    const eg_store *to = s->pairing->to;
    shelf targets = {to, s->key, EG_NEW_ARRAY(s->arena, uint64_t, to->count),
                     EG_NEW_ARRAY(s->arena, bool, to->count)};
    for (size_t t = 0; t < to->count; t++)
        if (!s->pairing->links[t].kind &&
            !eg_content_head(&to->entries[t], to->entries[t].dtype, &targets.heads[t], s->err))
            return false;
    for (int spent = 0; spent < 2; spent++)
        for (size_t i = 0; i < s->pairing->from->count; i++) {
            const eg_entry *entry = &s->pairing->from->entries[i];
            bool constant;
            if (s->used[i] != spent) continue;
            if (!eg_pair_constant(s, entry, &constant)) return false;
            if (constant) continue;
            *z = (puzzle){.s = s, .parts = &targets, .whole = entry};
            z->dtype = compared_as(entry, EG_F32);
            for (size_t t = 0; t < to->count; t++)
                targets.fits[t] = !s->pairing->links[t].kind && to->entries[t].dtype == z->dtype;
            if (!cut_source(s, z, i)) return false;
        }
    return true;
}

/* ---- constants go where their siblings go ---- */

static const char *with_leaf(eg_arena *arena, const char *name, const char *leaf)
{
    return eg_arena_printf(arena, "%.*s.%s", (int)eg_name_cut(name, 1), name, leaf);
}

/* Parts of the sibling's names but for the last segment, when they are alike and fill the dim. */
static bool follow(eg_pair_search *s, const eg_link *sibling, size_t target)
{
    const eg_store *from = s->pairing->from;
    const eg_entry *entry = &s->pairing->to->entries[target];
    const char *leaf = entry->name + eg_name_cut(entry->name, 1) + 1;
    puzzle z = {.s = s, .whole = entry, .stack = sibling->kind == EG_LINK_STACK, .dim = sibling->dim};
    shelf parts = {.store = from};
    size_t *list = EG_NEW_ARRAY(s->arena, size_t, sibling->count);
    int64_t filled = 0;
    z.parts = &parts;
    if (z.dim >= entry->shape.rank || entry->shape.rank > MOST_DIMS) return true;
    for (size_t i = 0; i < sibling->count; i++) {
        int64_t dims[MOST_DIMS], strides[MOST_DIMS];
        const eg_entry *part =
            eg_store_find(from, with_leaf(s->arena, from->entries[sibling->parts[i]].name, leaf));
        int64_t length = part ? length_of(&z, list[i] = (size_t)(part - from->entries)) : 0;
        if (!length || filled + length > entry->shape.dims[z.dim] ||
            compared_as(part, entry->dtype) != entry->dtype)
            return true;
        const eg_entry view = slice(&z, filled, length, dims, strides);
        const char *a = eg_pair_key(s, &view, entry->dtype), *b = eg_pair_key(s, part, entry->dtype);
        if (!a || !b) return false;
        if (strcmp(a, b) != 0) return true;
        filled += length;
    }
    if (filled == entry->shape.dims[z.dim])
        eg_pair_link(s, target, (eg_link){sibling->kind, list, sibling->count, .dim = z.dim});
    return true;
}

static bool join_siblings(eg_pair_search *s)
{
    const eg_store *to = s->pairing->to;
    eg_map *modules = eg_map_new(s->arena);
    for (size_t t = 0; t < to->count; t++) {
        eg_link_kind kind = s->pairing->links[t].kind;
        size_t cut = eg_name_cut(to->entries[t].name, 1);
        if (cut && (kind == EG_LINK_CONCAT || kind == EG_LINK_STACK))
            eg_map_add(modules, eg_arena_substring(s->arena, to->entries[t].name, cut), (int64_t)t);
    }
    for (size_t t = 0; t < to->count; t++) {
        size_t cut = eg_name_cut(to->entries[t].name, 1);
        if (s->pairing->links[t].kind || !s->pairing->constant[t] || !cut) continue;
        int64_t sibling = eg_map_find(modules, eg_arena_substring(s->arena, to->entries[t].name, cut));
        if (sibling >= 0 && !follow(s, &s->pairing->links[sibling], t)) return false;
    }
    return true;
}

/* The source is cut as its sibling is, when all parts are there and alike. */
static bool follow_cut(eg_pair_search *s, const eg_link *sibling, size_t source, puzzle *z)
{
    const eg_store *to = s->pairing->to;
    const eg_entry *entry = &s->pairing->from->entries[source];
    const char *leaf = entry->name + eg_name_cut(entry->name, 1) + 1;
    shelf parts = {.store = to};
    int64_t filled = 0;
    *z = (puzzle){.s = s, .parts = &parts, .whole = entry, .dim = sibling->dim, .stack = sibling->ops[0]};
    if (z->dim >= entry->shape.rank || entry->shape.rank > MOST_DIMS || sibling->group_count > MOST_PARTS)
        return true;
    for (size_t i = 0; i < sibling->group_count; i++) {
        int64_t dims[MOST_DIMS], strides[MOST_DIMS];
        const eg_entry *part =
            eg_store_find(to, with_leaf(s->arena, to->entries[sibling->group[i]].name, leaf));
        size_t target = part ? (size_t)(part - to->entries) : 0;
        int64_t length = part && !s->pairing->links[target].kind ? length_of(z, target) : 0;
        if (!length || filled + length > entry->shape.dims[z->dim] ||
            compared_as(entry, part->dtype) != part->dtype)
            return true;
        const eg_entry view = slice(z, filled, length, dims, strides);
        const char *key = eg_pair_key(s, &view, part->dtype);
        if (!key) return false;
        if (strcmp(key, s->key[target]) != 0) return true;
        z->found[z->count++] = target;
        filled += length;
    }
    if (filled == entry->shape.dims[z->dim]) link_cuts(s, z, source, false);
    return true;
}

static bool cut_siblings(eg_pair_search *s)
{
    const eg_store *from = s->pairing->from;
    eg_map *modules = eg_map_new(s->arena);
    puzzle *z = EG_NEW(s->arena, puzzle);
    for (size_t t = 0; t < s->pairing->to->count; t++) {
        const eg_link *link = &s->pairing->links[t];
        size_t cut = link->kind == EG_LINK_SPLIT ? eg_name_cut(from->entries[link->parts[0]].name, 1) : 0;
        if (cut)
            eg_map_add(modules, eg_arena_substring(s->arena, from->entries[link->parts[0]].name, cut),
                       (int64_t)t);
    }
    for (size_t i = 0; i < from->count; i++) {
        size_t cut = eg_name_cut(from->entries[i].name, 1);
        if (s->used[i] || !cut) continue;
        int64_t sibling = eg_map_find(modules, eg_arena_substring(s->arena, from->entries[i].name, cut));
        if (sibling >= 0 && !follow_cut(s, &s->pairing->links[sibling], i, z)) return false;
    }
    return true;
}

bool eg_pair_siblings(eg_pair_search *s)
{
    return join_siblings(s) && cut_siblings(s);
}

bool eg_pair_parts(eg_pair_search *s)
{
    puzzle *z = EG_NEW(s->arena, puzzle);
    return join_targets(s, z) && cut_sources(s, z);
}
