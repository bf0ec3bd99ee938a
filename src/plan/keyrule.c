#include "plan/keyrule.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/regex.h"
#include "base/str.h"
#include "plan/diagnose.h"
#include "plan/mosaic.h"

enum { MOST_DIMS = 60 }; /* far beyond any tensor, and below what views can hold */

static const char *capture(eg_keyrule *w, unsigned group)
{
    const char *text;
    size_t length;
    eg_regex_capture(w->rule->match.regex, group, &text, &length);
    return eg_arena_substring(w->arena, text, length);
}

static const char *shape_of(eg_keyrule *w, size_t item)
{
    return eg_shape_text(w->arena, w->map->values[item]->shape);
}

/* A dim counted from the end becomes one counted from 0; `extra` is 1 where a new dim may stand behind all.
 */
static bool settle_dim(eg_keyrule *w, size_t item, int64_t dim, uint32_t extra, uint32_t *out)
{
    int64_t rank = (int64_t)w->map->values[item]->shape.rank + extra;
    if (dim < -rank || dim >= rank) {
        eg_keyrule_problem(w, "bad_dim", "'%s' %s has no dim %" PRId64, w->map->names[item],
                           shape_of(w, item), dim);
        return false;
    }
    *out = (uint32_t)(dim < 0 ? dim + rank : dim);
    return true;
}

/* Calls use(item) for each item that the rule's pattern matches; the match's captures are still there. */
static bool each_match(eg_keyrule *w, bool (*use)(eg_keyrule *w, size_t item, void *context), void *context)
{
    eg_matcher matcher = eg_matcher_make(w->arena, &w->rule->match);
    size_t count = w->map->count; /* what the rule makes is not matched again */
    for (size_t i = 0; i < count; i++) {
        if (!w->map->names[i]) continue;
        eg_matched matched = eg_matcher_test(&matcher, w->map->names[i], w->err);
        if (matched == EG_MATCH_FAILED) return false;
        if (matched == EG_MATCH && !use(w, i, context)) break;
    }
    eg_matchers_lint(w->arena, &matcher, 1, w->problems);
    if (!matcher.hits) eg_keyrule_unused(w, w->rule->match.place, w->rule->match.text, &matcher, NULL);
    return true;
}

/* ---- concat and stack: many become one ---- */

typedef struct member {
    size_t item;
    int64_t number;   /* its place in `order`, or its index */
    const char *part; /* as written */
} member;

typedef struct bundle {
    const char *name; /* the result's */
    member *members;
    size_t count, capacity;
} bundle;

typedef struct bundles {
    eg_map *index; /* captures but the part -> bundle */
    bundle *items;
    size_t count, capacity;
} bundles;

static bundle *find_bundle(eg_keyrule *w, bundles *all, const char *key)
{
    int64_t at = eg_map_find(all->index, key);
    if (at >= 0) return &all->items[at];
    if (all->count == all->capacity) {
        all->capacity = all->capacity ? 2 * all->capacity : 16;
        bundle *items = EG_NEW_ARRAY(w->arena, bundle, all->capacity);
        if (all->count) memcpy(items, all->items, all->count * sizeof *items);
        all->items = items;
    }
    eg_map_add(all->index, key, (int64_t)all->count);
    return &all->items[all->count++];
}

static void add_member(eg_keyrule *w, bundle *b, member one)
{
    if (b->count == b->capacity) {
        b->capacity = b->capacity ? 2 * b->capacity : 4;
        member *members = EG_NEW_ARRAY(w->arena, member, b->capacity);
        if (b->count) memcpy(members, b->members, b->count * sizeof *members);
        b->members = members;
    }
    b->members[b->count++] = one;
}

/* The place of a part: its position in `order`, or its number; -1: it is none. */
static int64_t part_number(const eg_rule *rule, const char *part)
{
    char *end;
    if (rule->verb == EG_VERB_CONCAT) {
        for (size_t i = 0; i < rule->order_count; i++)
            if (strcmp(rule->order[i], part) == 0) return (int64_t)i;
        return -1;
    }
    if (!part[0] || part[strspn(part, "0123456789")] || strlen(part) > 9) return -1;
    return strtol(part, &end, 10);
}

static bool gather_member(eg_keyrule *w, size_t item, void *context)
{
    const eg_rule *rule = w->rule;
    eg_buf key = {0};
    eg_buf_puts(&key, "");
    for (unsigned g = 1; g <= eg_regex_groups(rule->match.regex); g++)
        if (g != rule->group) eg_buf_printf(&key, "%s\n", capture(w, g));
    bundle *b = find_bundle(w, context, eg_buf_take(&key, w->arena));
    member one = {.item = item, .part = capture(w, rule->group)};
    one.number = part_number(rule, one.part);
    if (one.number < 0) {
        eg_keyrule_problem(w, "bad_part", "'%s' is part '%s', which is %s", w->map->names[item], one.part,
                           rule->verb == EG_VERB_CONCAT ? "not in 'order'" : "no number");
        return false;
    }
    const char *name = eg_keyrule_expand(w, &rule->match, rule->to[0], w->map->names[item]);
    if (b->name && strcmp(b->name, name) != 0) {
        eg_keyrule_problem(w, "bad_template", "the parts of one tensor get different names: '%s' and '%s'",
                           b->name, name);
        return false;
    }
    b->name = name;
    add_member(w, b, one);
    return true;
}

static int by_number(const void *a, const void *b)
{
    const member *x = a, *y = b;
    if (x->number != y->number) return x->number < y->number ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

/* "part 'k' of 'layer0.qkv.weight' is missing; there are q, v". */
static bool report_gap(eg_keyrule *w, const bundle *b, const char *missing)
{
    const char **parts = EG_NEW_ARRAY(w->arena, const char *, b->count);
    for (size_t i = 0; i < b->count; i++) parts[i] = w->map->names[b->members[i].item];
    eg_keyrule_problem(w, "incomplete_group", "part %s of '%s' is missing; there %s %s", missing, b->name,
                       b->count == 1 ? "is" : "are", eg_name_list(w->arena, parts, b->count));
    return false;
}

/* Every part once, without gaps, from the start. */
static bool check_parts(eg_keyrule *w, const bundle *b)
{
    const eg_rule *rule = w->rule;
    bool stack = rule->verb == EG_VERB_STACK;
    /* Numbers may start at 1; without `count` that could also be a part that is missing. */
    int64_t start = stack && rule->count && b->members[0].number == 1 ? 1 : 0;
    size_t wanted = stack ? (size_t)rule->count : rule->order_count;
    for (size_t i = 0; i < b->count; i++) {
        const member *m = &b->members[i];
        if (i && m[0].number == m[-1].number) {
            eg_keyrule_problem(w, "duplicate_part", "'%s' and '%s' are the same part of '%s'",
                               w->map->names[m[-1].item], w->map->names[m[0].item], b->name);
            return false;
        }
        if (m->number != start + (int64_t)i)
            return report_gap(w, b,
                              stack ? eg_arena_printf(w->arena, "%" PRId64, start + (int64_t)i)
                                    : eg_arena_printf(w->arena, "'%s'", rule->order[i]));
    }
    if (!wanted || b->count == wanted) return true;
    if (b->count < wanted)
        return report_gap(w, b,
                          stack ? eg_arena_printf(w->arena, "%" PRId64, start + (int64_t)b->count)
                                : eg_arena_printf(w->arena, "'%s'", rule->order[b->count]));
    eg_keyrule_problem(w, "incomplete_group", "'%s' has %zu parts, and 'count' is %" PRId64, b->name,
                       b->count, rule->count);
    return false;
}

/* The same dtype, rank and sizes, but for `free` (-1: all the same). */
static bool check_alike(eg_keyrule *w, size_t a, size_t b, int64_t free)
{
    const eg_mosaic *x = w->map->values[a], *y = w->map->values[b];
    bool alike = x->shape.rank == y->shape.rank && x->dtype == y->dtype;
    for (uint32_t d = 0; alike && d < x->shape.rank; d++)
        alike = d == free || x->shape.dims[d] == y->shape.dims[d];
    if (!alike)
        eg_keyrule_problem(w, "shapes_differ", "'%s' %s %s and '%s' %s %s cannot be joined", w->map->names[a],
                           eg_dtype_name(x->dtype), shape_of(w, a), w->map->names[b], eg_dtype_name(y->dtype),
                           shape_of(w, b));
    return alike;
}

static bool join(eg_keyrule *w, bundle *b)
{
    bool stack = w->rule->verb == EG_VERB_STACK;
    uint32_t dim;
    qsort(b->members, b->count, sizeof *b->members, by_number);
    if (!check_parts(w, b) || !settle_dim(w, b->members[0].item, w->rule->dim, stack, &dim)) return false;
    const eg_mosaic **values = EG_NEW_ARRAY(w->arena, const eg_mosaic *, b->count);
    size_t *parts = EG_NEW_ARRAY(w->arena, size_t, b->count);
    for (size_t i = 0; i < b->count; i++) {
        parts[i] = b->members[i].item;
        values[i] = w->map->values[parts[i]];
        if (!check_alike(w, parts[0], parts[i], stack ? -1 : (int64_t)dim)) return false;
        if (stack && values[i]->shape.rank < MOST_DIMS)
            values[i] = eg_mosaic_unsqueeze(w->arena, values[i], dim);
    }
    eg_keyrule_make(w, b->name, eg_mosaic_concat(w->arena, values, b->count, dim), parts, b->count);
    return true;
}

static bool join_all(eg_keyrule *w)
{
    bundles all = {.index = eg_map_new(w->arena)};
    if (!each_match(w, gather_member, &all)) return false;
    for (size_t i = 0; i < all.count; i++)
        if (!all.items[i].count || !join(w, &all.items[i])) break;
    return true;
}

bool eg_keyrule_concat(eg_keyrule *w)
{
    return join_all(w);
}

bool eg_keyrule_stack(eg_keyrule *w)
{
    return join_all(w);
}

/* ---- split: one becomes many ---- */

/* The sizes of the parts, or NULL and a problem. */
static const int64_t *part_sizes(eg_keyrule *w, size_t item, uint32_t dim)
{
    const eg_rule *rule = w->rule;
    int64_t total = w->map->values[item]->shape.dims[dim], sum = 0;
    int64_t parts = (int64_t)rule->to_count, *sizes = EG_NEW_ARRAY(w->arena, int64_t, rule->to_count);
    for (size_t i = 0; i < rule->to_count; i++) {
        sizes[i] = rule->size_count ? rule->sizes[i] : total / parts;
        if (__builtin_add_overflow(sum, sizes[i], &sum)) sum = -1;
    }
    if (sum == total) return sizes;
    eg_keyrule_problem(w, "bad_split", "dim %u of '%s' %s has %" PRId64 " elements, which is not %s", dim,
                       w->map->names[item], shape_of(w, item), total,
                       rule->size_count ? eg_arena_printf(w->arena, "the sum of 'sizes', %" PRId64, sum)
                                        : eg_arena_printf(w->arena, "a multiple of %" PRId64, parts));
    return NULL;
}

static bool split_item(eg_keyrule *w, size_t item, void *context)
{
    uint32_t dim;
    int64_t start = 0;
    const eg_mosaic *value = w->map->values[item];
    (void)context;
    if (!settle_dim(w, item, w->rule->dim, 0, &dim)) return false;
    const int64_t *sizes = part_sizes(w, item, dim);
    if (!sizes) return false;
    const char **names = EG_NEW_ARRAY(w->arena, const char *, w->rule->to_count);
    for (size_t i = 0; i < w->rule->to_count; i++)
        names[i] = eg_keyrule_expand(w, &w->rule->match, w->rule->to[i], w->map->names[item]);
    for (size_t i = 0; i < w->rule->to_count; i++) {
        eg_keyrule_make(w, names[i], eg_mosaic_slice(w->arena, value, dim, start, sizes[i]), &item, 1);
        start += sizes[i];
    }
    return true;
}

bool eg_keyrule_split(eg_keyrule *w)
{
    return each_match(w, split_item, NULL);
}

/* ---- copy ---- */

static bool copy_item(eg_keyrule *w, size_t item, void *context)
{
    const eg_mosaic *value = w->map->values[item];
    const char **names = EG_NEW_ARRAY(w->arena, const char *, w->rule->to_count);
    (void)context;
    size_t first = w->map->count;
    for (size_t i = 0; i < w->rule->to_count; i++)
        names[i] = eg_keyrule_expand(w, &w->rule->match, w->rule->to[i], w->map->names[item]);
    for (size_t i = 0; i < w->rule->to_count; i++) eg_keyrule_make(w, names[i], value, &item, 1);
    for (size_t i = first; w->rule->tie && i < w->map->count; i++) w->map->tie[i] = (int64_t)first;
    return true;
}

bool eg_keyrule_copy(eg_keyrule *w)
{
    return each_match(w, copy_item, NULL);
}

/* ---- transform ---- */

static const eg_mosaic *reshape_permute(eg_keyrule *w, size_t item, const eg_mosaic *value,
                                        const eg_reshape *op)
{
    uint32_t rank = value->shape.rank;
    int64_t order[MOST_DIMS];
    uint64_t seen = 0;
    for (uint32_t d = 0; d < rank; d++) order[d] = d;
    if (op->kind == EG_RESHAPE_PERMUTE && op->count != rank) {
        eg_keyrule_problem(w, "bad_dim", "permute names %zu dims, and '%s' %s has %u", op->count,
                           w->map->names[item], eg_shape_text(w->arena, value->shape), rank);
        return NULL;
    }
    for (size_t i = 0; i < op->count; i++) {
        int64_t dim = op->args[i] < 0 ? op->args[i] + rank : op->args[i];
        if (dim < 0 || dim >= rank || (op->kind == EG_RESHAPE_PERMUTE && seen >> dim & 1)) {
            eg_keyrule_problem(w, "bad_dim", "%s: dim %" PRId64 " does not fit '%s' %s",
                               eg_reshape_name(op->kind), op->args[i], w->map->names[item],
                               eg_shape_text(w->arena, value->shape));
            return NULL;
        }
        seen |= (uint64_t)1 << dim;
        if (op->kind == EG_RESHAPE_PERMUTE) order[i] = dim;
    }
    if (op->kind == EG_RESHAPE_TRANSPOSE) {
        int64_t a = op->args[0] < 0 ? op->args[0] + rank : op->args[0];
        int64_t b = op->args[1] < 0 ? op->args[1] + rank : op->args[1];
        order[a] = b;
        order[b] = a;
    }
    return eg_mosaic_permute(w->arena, value, order);
}

static const eg_mosaic *misfit(eg_keyrule *w, size_t item, const eg_mosaic *value, const eg_reshape *op)
{
    eg_buf args = {0};
    for (size_t i = 0; i < op->count; i++) eg_buf_printf(&args, "%s%" PRId64, i ? ", " : "", op->args[i]);
    eg_keyrule_problem(w, "bad_dim", "%s: %s does not fit '%s' %s", eg_reshape_name(op->kind),
                       eg_buf_take(&args, w->arena), w->map->names[item],
                       eg_shape_text(w->arena, value->shape));
    return NULL;
}

static const eg_mosaic *unflatten(eg_keyrule *w, size_t item, const eg_mosaic *value, const eg_reshape *op,
                                  uint32_t dim)
{
    int64_t product = 1;
    for (size_t i = 1; i < op->count; i++)
        if (op->args[i] < 1 || __builtin_mul_overflow(product, op->args[i], &product)) product = -1;
    if (product != value->shape.dims[dim] || value->shape.rank + op->count > MOST_DIMS)
        return misfit(w, item, value, op);
    const eg_mosaic *out = eg_mosaic_unflatten(w->arena, value, dim, op->args + 1, (uint32_t)(op->count - 1));
    return out ? out : misfit(w, item, value, op);
}

static const eg_mosaic *reshape(eg_keyrule *w, size_t item, const eg_mosaic *value, const eg_reshape *op)
{
    if (op->kind == EG_RESHAPE_PERMUTE || op->kind == EG_RESHAPE_TRANSPOSE)
        return reshape_permute(w, item, value, op);
    int64_t rank = (int64_t)value->shape.rank + (op->kind == EG_RESHAPE_UNSQUEEZE), dim = op->args[0];
    if (dim < -rank || dim >= rank || rank >= MOST_DIMS) return misfit(w, item, value, op);
    if (dim < 0) dim += rank;
    if (op->kind == EG_RESHAPE_UNSQUEEZE) return eg_mosaic_unsqueeze(w->arena, value, (uint32_t)dim);
    if (op->kind == EG_RESHAPE_FLATTEN) {
        const eg_mosaic *flat = eg_mosaic_flatten(w->arena, value, (uint32_t)dim);
        return flat ? flat : misfit(w, item, value, op);
    }
    if (op->kind == EG_RESHAPE_UNFLATTEN) return unflatten(w, item, value, op, (uint32_t)dim);
    if (value->shape.dims[dim] != 1) return misfit(w, item, value, op);
    return eg_mosaic_squeeze(w->arena, value, (uint32_t)dim);
}

/* A square matrix has the right shape whichever way round it is. */
typedef struct squares {
    const char **names;
    size_t count;
    bool *taken; /* per item */
    bool transposes;
} squares;

static bool is_square(const eg_mosaic *value)
{
    return value->shape.rank == 2 && value->shape.dims[0] == value->shape.dims[1] && value->shape.dims[0] > 1;
}

static bool transform_item(eg_keyrule *w, size_t item, void *context)
{
    squares *s = context;
    const eg_mosaic *value = w->map->values[item];
    s->taken[item] = true;
    if (w->rule->rank >= 0 && value->shape.rank != w->rule->rank) return true;
    for (size_t i = 0; i < w->rule->op_count; i++) {
        s->transposes |= w->rule->ops[i].kind == EG_RESHAPE_TRANSPOSE;
        value = reshape(w, item, value, &w->rule->ops[i]);
        if (!value) return false;
    }
    if (is_square(w->map->values[item])) s->names[s->count++] = w->map->names[item];
    eg_keyrule_reshape(w, item, value);
    return true;
}

static void warn_of_squares(eg_keyrule *w, const squares *s)
{
    const char *left = NULL;
    for (size_t i = 0; i < w->map->count && !left; i++)
        if (w->map->names[i] && !s->taken[i] && is_square(w->map->values[i])) left = w->map->names[i];
    if (!s->transposes || !s->count || !left) return;
    eg_problem_warn(
        w->problems, "square_transpose", w->rule->place,
        "rule %d (%s) transposes square matrices (%s) but not others ('%s'): their shapes do not tell "
        "which are right",
        w->number + 1, w->rule->text, eg_name_list(w->arena, s->names, s->count), left);
}

bool eg_keyrule_transform(eg_keyrule *w)
{
    squares s = {.names = EG_NEW_ARRAY(w->arena, const char *, w->map->count),
                 .taken = EG_NEW_ARRAY(w->arena, bool, w->map->count)};
    size_t before = w->problems->errors;
    if (!each_match(w, transform_item, &s)) return false;
    bool matched = false;
    for (size_t i = 0; i < w->map->count; i++) matched |= s.taken[i];
    if (matched && !w->map->rules[w->number].changed && w->problems->errors == before && !w->rule->optional &&
        w->transfer->unused_rule != EG_POLICY_IGNORE)
        eg_keyrule_problem(w, "unused_rule", "no tensor that it matches has rank %" PRId64, w->rule->rank);
    warn_of_squares(w, &s);
    return true;
}

/* ---- shift ---- */

static bool shift_item(eg_keyrule *w, size_t item, void *context)
{
    const char *name = w->map->names[item], *digits;
    size_t length;
    int64_t number;
    (void)context;
    eg_regex_capture(w->rule->match.regex, w->rule->group, &digits, &length);
    const char *text = eg_arena_substring(w->arena, digits, length);
    if (!length || length > 9 || text[strspn(text, "0123456789")]) {
        eg_keyrule_problem(w, "bad_part", "in '%s' it finds '%s', which is no number", name, text);
        return false;
    }
    number = strtol(text, NULL, 10) + w->rule->by;
    if (number < 0) {
        eg_keyrule_problem(w, "bad_part", "'%s' would get the number %" PRId64, name, number);
        return false;
    }
    eg_keyrule_rename(
        w, item,
        eg_arena_printf(w->arena, "%.*s%" PRId64 "%s", (int)(digits - name), name, number, digits + length));
    return true;
}

bool eg_keyrule_shift(eg_keyrule *w)
{
    return each_match(w, shift_item, NULL);
}
