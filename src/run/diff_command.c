/* `engraft diff`: what differs between two checkpoints, for people and as JSON. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "engraft/checkpoint.h"
#include "engraft/run.h"
#include "format/json.h"
#include "plan/fold.h"
#include "run/diff.h"
#include "run/diff_context.h"
#include "run/named_file.h"
#include "run/table.h"
#include "tensor/quantization.h"

typedef struct comparison {
    eg_arena arena;
    eg_checkpoint *files[2];
    eg_diff diff;
    eg_diff_context context;
} comparison;

enum { TOLD = 8 /* ties and versions told of one by one */ };

static const struct {
    const char *name;  /* in JSON */
    const char *title; /* for people, behind a number */
} kinds[EG_CHANGE_COUNT] = {
    [EG_CHANGE_NONE] = {"equal", "equal"},
    [EG_CHANGE_RENAMED] = {"renamed", "renamed, with the same content"},
    [EG_CHANGE_VALUES] = {"values", "with other values"},
    [EG_CHANGE_QUANTIZATION] = {"quantization", "with another quantization"},
    [EG_CHANGE_DTYPE] = {"dtype", "of another type"},
    [EG_CHANGE_SHAPE] = {"shape", "of another shape"},
    [EG_CHANGE_ONLY_A] = {"only_a", "only in A"},
    [EG_CHANGE_ONLY_B] = {"only_b", "only in B"},
};

/* ---- JSON ---- */

static eg_json *entry_json(eg_arena *arena, const eg_entry *entry)
{
    eg_json *json = eg_json_object(), *shape = eg_json_array();
    for (uint32_t i = 0; i < entry->shape.rank; i++) eg_json_int(shape, NULL, entry->shape.dims[i]);
    eg_json_string(json, "name", entry->name);
    eg_json_string(json, "dtype", eg_dtype_name(entry->dtype));
    eg_json_add(json, "shape", shape);
    if (entry->quantization)
        eg_json_string(json, "quantization", eg_quantization_text(arena, entry->quantization));
    return json;
}

static eg_json *change_json(eg_arena *arena, const eg_change *change)
{
    eg_json *json = eg_json_object();
    eg_json_string(json, "kind", kinds[change->kind].name);
    if (change->a) eg_json_add(json, "a", entry_json(arena, change->a));
    if (change->b) eg_json_add(json, "b", entry_json(arena, change->b));
    if (change->kind == EG_CHANGE_VALUES || change->kind == EG_CHANGE_DTYPE) {
        eg_json_int(json, "elements", (int64_t)change->numel);
        eg_json_int(json, "differing", (int64_t)change->differing);
        eg_json_real(json, "largest", change->largest);
    }
    return json;
}

static eg_json *file_json(const eg_checkpoint *file)
{
    eg_json *json = eg_json_object();
    eg_json_string(json, "file", file->path);
    eg_json_string(json, "format", file->format);
    eg_json_string(json, "state_dict", file->state_dict);
    eg_json_int(json, "tensors", (int64_t)file->store.count);
    return json;
}

/* A number where there is one, else null. */
static void add_version(eg_json *json, const char *side, bool known, int64_t version)
{
    if (known)
        eg_json_int(json, side, version);
    else
        eg_json_string(json, side, NULL);
}

static void add_context(eg_json *json, const eg_diff_context *context)
{
    eg_json *ties = eg_json_array(), *versions = eg_json_array();
    for (size_t i = 0; i < context->tie_count; i++) {
        eg_json *one = eg_json_object();
        eg_json_string(one, "name", context->ties[i].name);
        eg_json_string(one, "a", context->ties[i].with[0]);
        eg_json_string(one, "b", context->ties[i].with[1]);
        eg_json_add(ties, NULL, one);
    }
    for (size_t i = 0; i < context->version_count; i++) {
        const eg_version_change *change = &context->versions[i];
        eg_json *one = eg_json_object();
        eg_json_string(one, "module", change->path);
        add_version(one, "a", change->known[0], change->version[0]);
        add_version(one, "b", change->known[1], change->version[1]);
        eg_json_add(versions, NULL, one);
    }
    eg_json_add(json, "ties", ties);
    eg_json_add(json, "versions", versions);
}

static bool print_json(comparison *x, eg_error *err)
{
    const eg_diff *diff = &x->diff;
    eg_json *json = eg_json_object(), *summary = eg_json_object(), *list = eg_json_array();
    for (int k = 0; k < EG_CHANGE_COUNT; k++) eg_json_int(summary, kinds[k].name, (int64_t)diff->counts[k]);
    for (size_t i = 0; i < diff->count; i++)
        if (diff->changes[i].kind != EG_CHANGE_NONE)
            eg_json_add(list, NULL, change_json(&x->arena, &diff->changes[i]));
    eg_json_bool(json, "equal", diff->equal);
    eg_json_bool(json, "same_order", diff->same_order);
    eg_json_add(json, "a", file_json(x->files[0]));
    eg_json_add(json, "b", file_json(x->files[1]));
    eg_json_add(json, "summary", summary);
    eg_json_add(json, "differences", list);
    add_context(json, &x->context);
    bool ok = eg_json_print(json, stdout, err);
    eg_json_free(json);
    return ok;
}

/* ---- text ---- */

/* Changes that may share a line: names alike but for their numbers, and everything else the same. */
typedef struct group {
    const eg_change **changes;
    const char **names;
    size_t count;
} group;

/* "F32 [10, 64] -> [5, 64]". */
static const char *type_text(eg_arena *arena, const eg_change *change)
{
    const eg_entry *a = change->a ? change->a : change->b, *b = change->b ? change->b : change->a;
    assert(a && b);
    const char *type = eg_dtype_name(a->dtype), *shape = eg_shape_text(arena, a->shape);
    if (b->dtype != a->dtype) type = eg_arena_printf(arena, "%s → %s", type, eg_dtype_name(b->dtype));
    if (!eg_shape_equal(a->shape, b->shape))
        shape = eg_arena_printf(arena, "%s → %s", shape, eg_shape_text(arena, b->shape));
    return eg_arena_printf(arena, "%s  %s", type, shape);
}

/* The part of the names that is alike at their end, from a dot on; a rename's group is what stands before. */
static size_t tail_length(const char *a, const char *b)
{
    size_t m = strlen(a), n = strlen(b), best = 0;
    for (size_t i = 0; i <= m && i <= n; i++) {
        if (i && a[m - i] != b[n - i]) break;
        bool start = (i == m || a[m - i - 1] == '.') && (i == n || b[n - i - 1] == '.');
        if (start) best = i;
    }
    return best;
}

static const char *rename_text(eg_arena *arena, const eg_change *change, bool folded)
{
    const char *a = change->a->name, *b = change->b->name;
    size_t tail = folded ? tail_length(a, b) : 0;
    return eg_arena_printf(arena, "%.*s%s → %.*s%s", (int)(strlen(a) - tail), a, tail ? "…" : "",
                           (int)(strlen(b) - tail), b, tail ? "…" : "");
}

/* "scale 0.1, zero point 3 → scale 0.2, zero point 3". */
static const char *quantization_text(eg_arena *arena, const eg_change *change)
{
    const eg_quantization *q[2] = {change->a->quantization, change->b->quantization};
    const char *text[2];
    for (int i = 0; i < 2; i++) text[i] = q[i] ? eg_quantization_text(arena, q[i]) : "none";
    if (strcmp(text[0], text[1]) == 0) return eg_arena_printf(arena, "other %s", text[0]);
    return eg_arena_printf(arena, "%s → %s", text[0], text[1]);
}

/* Changes with equal texts are of one group. */
static const char *group_key(eg_arena *arena, const eg_change *change)
{
    const eg_entry *entry = change->a ? change->a : change->b;
    if (change->kind == EG_CHANGE_RENAMED) return rename_text(arena, change, true);
    if (change->kind == EG_CHANGE_QUANTIZATION)
        return eg_arena_printf(arena, "%s  %s", eg_fold_shape(arena, entry->name),
                               quantization_text(arena, change));
    return eg_arena_printf(arena, "%s  %s", eg_fold_shape(arena, entry->name), type_text(arena, change));
}

/* The groups of one kind, in order of their first change. */
static group *find_groups(comparison *x, eg_change_kind kind, size_t *count)
{
    const eg_diff *diff = &x->diff;
    eg_arena *arena = &x->arena;
    size_t total = diff->counts[kind], *of = EG_NEW_ARRAY(arena, size_t, diff->count);
    group *groups = EG_NEW_ARRAY(arena, group, total);
    eg_map *known = eg_map_new(arena);
    *count = 0;
    for (size_t i = 0; i < diff->count; i++) {
        if (diff->changes[i].kind != kind) continue;
        const char *key = group_key(arena, &diff->changes[i]);
        if (eg_map_add(known, key, (int64_t)*count)) ++*count;
        of[i] = (size_t)eg_map_find(known, key);
        groups[of[i]].count++;
    }
    for (size_t g = 0; g < *count; g++) {
        groups[g].changes = EG_NEW_ARRAY(arena, const eg_change *, groups[g].count);
        groups[g].names = EG_NEW_ARRAY(arena, const char *, groups[g].count);
        groups[g].count = 0;
    }
    for (size_t i = 0; i < diff->count; i++) {
        const eg_change *change = &diff->changes[i];
        if (change->kind != kind) continue;
        group *g = &groups[of[i]];
        g->changes[g->count] = change;
        g->names[g->count++] = (change->a ? change->a : change->b)->name;
    }
    return groups;
}

/* "512 of 2,304 elements differ, by at most 0.013". */
static const char *values_text(eg_arena *arena, const group *g, const size_t *line_of, size_t line)
{
    uint64_t numel = 0, differing = 0;
    double largest = 0;
    for (size_t i = 0; i < g->count; i++) {
        const eg_change *change = g->changes[i];
        if (line_of[i] != line) continue;
        numel += change->numel;
        differing += change->differing;
        if (isnan(change->largest) || change->largest > largest) largest = change->largest;
    }
    if (!differing) return "the same values";
    const char *text = eg_arena_printf(arena, "%s of %s differ", eg_count_text(arena, differing),
                                       eg_count_text(arena, numel));
    return isnan(largest) ? text : eg_arena_printf(arena, "%s, by at most %.3g", text, largest);
}

static size_t add_rename(eg_arena *arena, const group *g, eg_row *rows)
{
    const char *text = rename_text(arena, g->changes[0], g->count > 1);
    rows[0] = (eg_row){{eg_arena_printf(arena, "  %s", text),
                        g->count > 1 ? eg_arena_printf(arena, "×%zu", g->count) : NULL}};
    return 1;
}

static size_t add_lines(eg_arena *arena, const group *g, eg_row *rows)
{
    const eg_fold *folds;
    size_t *line_of = EG_NEW_ARRAY(arena, size_t, g->count);
    size_t lines = eg_fold_names(arena, g->names, g->count, &folds, line_of);
    eg_change_kind kind = g->changes[0]->kind;
    bool numbers = kind == EG_CHANGE_VALUES || kind == EG_CHANGE_DTYPE;
    for (size_t i = 0; i < lines; i++) {
        const char *times = folds[i].count > 1 ? eg_arena_printf(arena, "  ×%zu", folds[i].count) : "";
        rows[i] = (eg_row){{eg_arena_printf(arena, "  %s", folds[i].text),
                            eg_arena_printf(arena, "%s%s", type_text(arena, g->changes[0]), times),
                            numbers                          ? values_text(arena, g, line_of, i)
                            : kind == EG_CHANGE_QUANTIZATION ? quantization_text(arena, g->changes[0])
                                                             : NULL}};
    }
    return lines;
}

static void print_kind(comparison *x, eg_change_kind kind)
{
    const bool right[EG_TABLE_COLUMNS] = {false};
    size_t total = x->diff.counts[kind], groups, lines = 0;
    if (!total) return;
    printf("%s %s\n", eg_count_text(&x->arena, total), kinds[kind].title);
    if (kind == EG_CHANGE_NONE) return;
    const group *list = find_groups(x, kind, &groups);
    eg_row *rows = EG_NEW_ARRAY(&x->arena, eg_row, total);
    for (size_t g = 0; g < groups; g++)
        lines += kind == EG_CHANGE_RENAMED ? add_rename(&x->arena, &list[g], rows + lines)
                                           : add_lines(&x->arena, &list[g], rows + lines);
    eg_table_print(rows, lines, right);
}

static void print_ties(const eg_diff_context *context)
{
    if (context->tie_count)
        printf("%zu tensor%s tied otherwise\n", context->tie_count, context->tie_count == 1 ? "" : "s");
    for (size_t i = 0; i < context->tie_count && i < TOLD; i++) {
        const eg_tie_change *change = &context->ties[i];
        printf("  %s  %s%s → %s%s\n", change->name, change->with[0] ? "= " : "",
               change->with[0] ? change->with[0] : "alone", change->with[1] ? "= " : "",
               change->with[1] ? change->with[1] : "alone");
    }
    if (context->tie_count > TOLD) printf("  …\n");
}

static const char *version_text(eg_arena *arena, bool known, int64_t version)
{
    return known ? eg_arena_printf(arena, "%lld", (long long)version) : "none";
}

static void print_versions(comparison *x)
{
    const eg_diff_context *context = &x->context;
    for (int i = 0; i < 2; i++)
        if (!x->files[i]->version_count && x->files[!i]->version_count) {
            printf("%c has no module versions (`_metadata`)\n", "AB"[i]);
            return;
        }
    if (context->version_count)
        printf("%zu module version%s (`_metadata`)\n", context->version_count,
               context->version_count == 1 ? " differs" : "s differ");
    for (size_t i = 0; i < context->version_count && i < TOLD; i++) {
        const eg_version_change *change = &context->versions[i];
        printf("  %s  %s → %s\n", *change->path ? change->path : "(top)",
               version_text(&x->arena, change->known[0], change->version[0]),
               version_text(&x->arena, change->known[1], change->version[1]));
    }
    if (context->version_count > TOLD) printf("  …\n");
}

static void print_text(comparison *x)
{
    for (int i = 0; i < 2; i++) {
        const eg_checkpoint *file = x->files[i];
        printf("%c  %s: %s, %s tensor%s\n", "AB"[i], file -> path, file -> format,
               eg_count_text(&x->arena, file->store.count), file -> store.count == 1 ? "" : "s");
    }
    putchar('\n');
    for (int k = 0; k < EG_CHANGE_COUNT; k++) print_kind(x, (eg_change_kind)k);
    if (!x->diff.same_order) printf("the tensors stand in another order\n");
    print_ties(&x->context);
    print_versions(x);
}

/* ---- all ---- */

static bool refuse(const comparison *x, eg_error *err)
{
    eg_buf parts = {0};
    for (int k = EG_CHANGE_NONE + 1; k < EG_CHANGE_COUNT; k++)
        if (x->diff.counts[k])
            eg_buf_printf(&parts, "%s%zu %s", parts.length ? ", " : "", x->diff.counts[k], kinds[k].title);
    eg_fail(err, EG_MISMATCH, "the checkpoints differ: %s", parts.data);
    eg_buf_clear(&parts);
    return false;
}

static bool open_files(comparison *x, const eg_diff_options *options, eg_error *err)
{
    const char *paths[2] = {options->a, options->b};
    for (int i = 0; i < 2; i++)
        if (!(x->files[i] = eg_named_file_open(paths[i], &options->read, err))) return false;
    return true;
}

bool eg_run_diff(const eg_diff_options *options, eg_error *err)
{
    comparison x = {0};
    bool ok = open_files(&x, options, err) &&
              eg_diff_build(&x.diff, &x.arena, &x.files[0]->store, &x.files[1]->store, err);
    if (ok) eg_diff_context_build(&x.context, &x.arena, x.files[0], x.files[1]);
    if (ok && options->json) ok = print_json(&x, err);
    if (ok && !options->json) print_text(&x);
    if (ok && !x.diff.equal) ok = refuse(&x, err);
    eg_checkpoint_close(x.files[0]);
    eg_checkpoint_close(x.files[1]);
    eg_arena_clear(&x.arena);
    return ok;
}
