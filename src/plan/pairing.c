#include "plan/pairing.h"

#include <assert.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "plan/content.h"

enum { MOST_DIMS = 64, PERMUTED = 4 /* dims, at most */ };

/* ---- keys ---- */

static uint64_t numel_of(eg_shape shape)
{
    uint64_t numel = 0;
    eg_shape_numel(shape, &numel);
    return numel;
}

static const char *key_text(eg_arena *arena, const eg_content *content, uint64_t numel)
{
    return eg_arena_printf(arena, "%s %llu", content->digest, (unsigned long long)numel);
}

const char *eg_pair_key(eg_pair_search *s, const eg_entry *view, eg_dtype dtype)
{
    eg_content content;
    if (!eg_content_read(view, dtype, &content, s->err)) return NULL;
    return key_text(s->arena, &content, numel_of(view->shape));
}

static void stock_add(eg_pair_search *s, const eg_content *content, size_t source, bool cast)
{
    const char *key = key_text(s->arena, content, numel_of(s->pairing->from->entries[source].shape));
    size_t at = 2 * source + cast;
    s->stock.next[at] = eg_map_find(s->stock.first, key);
    eg_map_set(s->stock.first, key, (int64_t)at);
}

static bool read_source(eg_pair_search *s)
{
    const eg_store *from = s->pairing->from;
    s->stock.first = eg_map_new(s->arena);
    s->stock.next = EG_NEW_ARRAY(s->arena, int64_t, 2 * from->count);
    for (int cast = 0; cast < 2; cast++) s->source[cast] = EG_NEW_ARRAY(s->arena, eg_content, from->count);
    for (size_t i = from->count; i-- > 0;) { /* so that lists are in file order */
        const eg_entry *entry = &from->entries[i];
        for (int cast = eg_content_casts(entry->dtype); cast >= 0; cast--) {
            eg_content *content = &s->source[cast][i];
            if (!eg_content_read(entry, cast ? EG_F32 : entry->dtype, content, s->err)) return false;
            stock_add(s, content, i, cast);
        }
    }
    return true;
}

bool eg_pair_constant(eg_pair_search *s, const eg_entry *entry, bool *constant)
{
    uint64_t numel = numel_of(entry->shape);
    int64_t strides[MOST_DIMS] = {0};
    eg_entry view = *entry;
    view.strides = strides;
    *constant = numel <= 1;
    if (*constant || entry->shape.rank > MOST_DIMS) return true;
    uint64_t head, same;
    if (!eg_content_head(entry, entry->dtype, &head, s->err) ||
        !eg_content_head(&view, entry->dtype, &same, s->err))
        return false;
    if (head != same) return true;
    const char *a = eg_pair_key(s, entry, entry->dtype), *b = eg_pair_key(s, &view, entry->dtype);
    *constant = a && b && strcmp(a, b) == 0;
    return a && b;
}

static bool read_target(eg_pair_search *s)
{
    const eg_store *to = s->pairing->to;
    s->target = EG_NEW_ARRAY(s->arena, eg_content, to->count);
    s->key = EG_NEW_ARRAY(s->arena, const char *, to->count);
    s->pairing->constant = EG_NEW_ARRAY(s->arena, bool, to->count);
    for (size_t i = 0; i < to->count; i++) {
        const eg_entry *entry = &to->entries[i];
        if (!eg_content_read(entry, entry->dtype, &s->target[i], s->err) ||
            !eg_pair_constant(s, entry, &s->pairing->constant[i]))
            return false;
        s->key[i] = key_text(s->arena, &s->target[i], numel_of(entry->shape));
    }
    return true;
}

/* ---- shapes ---- */

static void add_op(eg_buf *out, const char *name, uint32_t dim)
{
    eg_buf_printf(out, "%s{%s: %u}", out->length ? ", " : "", name, dim);
}

/* Dims of size 1 come and go; anything else is flattened and cut anew. */
const char *eg_pair_reshape(eg_arena *arena, eg_shape a, eg_shape b)
{
    eg_buf out = {0};
    uint32_t i = 0, j = 0;
    eg_buf_puts(&out, "");
    while (i < a.rank || j < b.rank) {
        if (i < a.rank && j < b.rank && a.dims[i] == b.dims[j]) {
            i++;
            j++;
        } else if (i < a.rank && a.dims[i] == 1) {
            add_op(&out, "squeeze", j);
            i++;
        } else if (j < b.rank && b.dims[j] == 1) {
            add_op(&out, "unsqueeze", j++);
        } else {
            break;
        }
    }
    if (i == a.rank && j == b.rank) return eg_buf_take(&out, arena);
    eg_buf_clear(&out);
    for (i = 0; i < a.rank && i < b.rank && a.dims[i] == b.dims[i];) i++;
    if (a.rank > i + 1) add_op(&out, "flatten", i);
    if (b.rank > i + 1) {
        eg_buf_printf(&out, "%s{unflatten: [%u", out.length ? ", " : "", i);
        for (uint32_t d = i; d < b.rank; d++) eg_buf_printf(&out, ", %lld", (long long)b.dims[d]);
        eg_buf_puts(&out, "]}");
    }
    return eg_buf_take(&out, arena);
}

/* ---- permuted dims ---- */

typedef struct permutation {
    uint32_t rank;
    int64_t order[PERMUTED]; /* dim d of the result is dim order[d] */
} permutation;

static void swap(int64_t *a, int64_t *b)
{
    int64_t old = *a;
    *a = *b;
    *b = old;
}

/* The next one in lexical order; false after the last. */
static bool next_permutation(permutation *p)
{
    uint32_t i = p->rank - 1, j = p->rank - 1;
    assert(p->rank > 0 && p->rank <= PERMUTED);
    while (i > 0 && p->order[i - 1] >= p->order[i]) i--;
    if (i == 0) return false;
    while (p->order[j] <= p->order[i - 1]) j--;
    swap(&p->order[i - 1], &p->order[j]);
    for (uint32_t k = p->rank - 1; i < k; i++, k--) swap(&p->order[i], &p->order[k]);
    return true;
}

static const char *permutation_text(eg_arena *arena, const permutation *p)
{
    eg_buf out = {0};
    uint32_t moved = 0, first = p->rank;
    for (uint32_t d = 0; d < p->rank; d++) {
        if (p->order[d] == d) continue;
        if (!moved++) first = d;
    }
    if (moved == 2)
        return eg_arena_printf(arena, "{transpose: [%u, %lld]}", first, (long long)p->order[first]);
    for (uint32_t d = 0; d < p->rank; d++)
        eg_buf_printf(&out, "%s%lld", d ? ", " : "{permute: [", (long long)p->order[d]);
    eg_buf_puts(&out, "]}");
    return eg_buf_take(&out, arena);
}

/* The entry without its dims of size 1, with strides. */
static eg_entry squeezed(eg_arena *arena, const eg_entry *entry)
{
    int64_t *dims = EG_NEW_ARRAY(arena, int64_t, entry->shape.rank), step = 1;
    int64_t *strides = EG_NEW_ARRAY(arena, int64_t, entry->shape.rank);
    eg_entry view = *entry;
    uint32_t rank = 0;
    for (uint32_t d = entry->shape.rank; d-- > 0;) {
        int64_t stride = entry->strides ? entry->strides[d] : step;
        step *= entry->shape.dims[d];
        if (entry->shape.dims[d] == 1) continue;
        rank++;
        dims[entry->shape.rank - rank] = entry->shape.dims[d];
        strides[entry->shape.rank - rank] = stride;
    }
    view.shape = (eg_shape){rank, dims + entry->shape.rank - rank};
    view.strides = strides + entry->shape.rank - rank;
    return view;
}

static eg_entry permuted(eg_arena *arena, const eg_entry *entry, const permutation *p)
{
    int64_t *dims = EG_NEW_ARRAY(arena, int64_t, p->rank), *strides = EG_NEW_ARRAY(arena, int64_t, p->rank);
    eg_entry view = *entry;
    for (uint32_t d = 0; d < p->rank; d++) {
        dims[d] = entry->shape.dims[p->order[d]];
        strides[d] = entry->strides[p->order[d]];
    }
    view.shape.dims = dims;
    view.strides = strides;
    return view;
}

static const char *joined(eg_arena *arena, const char *a, const char *b)
{
    return eg_arena_printf(arena, "%s%s%s", a, a[0] && b[0] ? ", " : "", b);
}

/* The ops that make the target of the source, or NULL: none do. */
static bool try_permutations(eg_pair_search *s, size_t source, size_t target, const char **ops)
{
    const eg_entry *a = &s->pairing->from->entries[source], *b = &s->pairing->to->entries[target];
    const eg_entry x = squeezed(s->arena, a), y = squeezed(s->arena, b);
    permutation p = {x.shape.rank, {0, 1, 2, 3}};
    while (!*ops && next_permutation(&p)) {
        eg_entry view = permuted(s->arena, &x, &p);
        uint64_t head, wanted;
        if (!eg_shape_equal(view.shape, y.shape)) continue;
        if (!eg_content_head(&view, b->dtype, &head, s->err) ||
            !eg_content_head(b, b->dtype, &wanted, s->err))
            return false;
        if (head != wanted) continue;
        const char *key = eg_pair_key(s, &view, b->dtype);
        if (!key) return false;
        if (strcmp(key, s->key[target]) != 0) continue;
        *ops = joined(
            s->arena, eg_pair_reshape(s->arena, a->shape, x.shape),
            joined(s->arena, permutation_text(s->arena, &p), eg_pair_reshape(s->arena, y.shape, b->shape)));
    }
    return true;
}

static bool may_be_permuted(const eg_pair_search *s, size_t source, size_t target)
{
    const eg_entry *a = &s->pairing->from->entries[source], *b = &s->pairing->to->entries[target];
    bool cast = a->dtype != b->dtype;
    if (cast && (b->dtype != EG_F32 || !eg_content_casts(a->dtype))) return false;
    return s->source[cast][source].bag == s->target[target].bag && numel_of(a->shape) == numel_of(b->shape);
}

static uint32_t wide_dims(eg_shape shape)
{
    uint32_t count = 0;
    for (uint32_t d = 0; d < shape.rank; d++) count += shape.dims[d] != 1;
    return count;
}

bool eg_pair_permuted(eg_pair_search *s)
{
    const eg_pairing *p = s->pairing;
    for (int spent = 0; spent < 2; spent++) /* those that nothing else takes come first */
        for (size_t t = 0; t < p->to->count; t++) {
            uint32_t wide = wide_dims(p->to->entries[t].shape);
            if (p->links[t].kind || wide < 2 || wide > PERMUTED) continue;
            for (size_t i = 0; i < p->from->count && !p->links[t].kind; i++) {
                const char *ops = NULL;
                if (s->used[i] != spent || wide_dims(p->from->entries[i].shape) != wide ||
                    !may_be_permuted(s, i, t))
                    continue;
                if (!try_permutations(s, i, t, &ops)) return false;
                if (ops) eg_pair_link(s, t, (eg_link){EG_LINK_WHOLE, &i, 1, .ops = ops});
            }
        }
    return true;
}

/* ---- all ---- */

void eg_pair_link(eg_pair_search *s, size_t target, eg_link link)
{
    link.parts = eg_arena_copy(s->arena, link.parts, link.count * sizeof *link.parts);
    if (!link.ops) link.ops = "";
    for (size_t i = 0; i < link.count; i++) s->used[link.parts[i]] = true;
    s->pairing->links[target] = link;
}

bool eg_pairing_build(eg_pairing *pairing, eg_arena *arena, const eg_store *from, const eg_store *to,
                      eg_error *err)
{
    eg_pair_search s = {.arena = arena, .pairing = pairing, .err = err};
    *pairing = (eg_pairing){.from = from, .to = to, .links = EG_NEW_ARRAY(arena, eg_link, to->count)};
    s.used = EG_NEW_ARRAY(arena, bool, from->count);
    return read_source(&s) && read_target(&s) && eg_pair_equals(&s) && eg_pair_permuted(&s) &&
           eg_pair_parts(&s) && eg_pair_siblings(&s) && eg_pair_choices(&s) && eg_pair_copies(&s);
}
