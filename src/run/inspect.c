/* `engraft inspect`: what a checkpoint holds, for people and as JSON. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "engraft/checkpoint.h"
#include "engraft/run.h"
#include "format/json.h"
#include "run/health.h"
#include "run/manifest.h"
#include "run/named_file.h"
#include "run/table.h"
#include "run/tree.h"
#include "tensor/tie.h"

enum { SHOWN_DIGEST = 16 };

typedef struct inspection {
    eg_arena arena;
    const eg_checkpoint *file;
    const eg_inspect_options *options;
    eg_health *health;    /* per tensor; NULL when neither digest nor stats were asked for */
    const char **tied_to; /* per tensor: the first one over the same bytes, or NULL */
    uint64_t elements, bytes;
} inspection;

/* ---- gathering ---- */

static bool check_health(inspection *x, eg_error *err)
{
    const eg_store *store = &x->file->store;
    if (!x->options->digest && !x->options->stats) return true;
    x->health = EG_NEW_ARRAY(&x->arena, eg_health, store->count);
    for (size_t i = 0; i < store->count; i++)
        if (!eg_health_check(&store->entries[i], x->options->digest, x->options->stats, &x->health[i], err))
            return eg_error_in(err, x->file->path);
    return true;
}

static void measure(inspection *x)
{
    const eg_store *store = &x->file->store;
    x->tied_to = eg_store_ties(&x->arena, store);
    for (size_t i = 0; i < store->count; i++) {
        uint64_t numel = 0;
        eg_shape_numel(store->entries[i].shape, &numel);
        x->elements += numel;
        x->bytes += numel * eg_dtype_size(store->entries[i].dtype);
    }
}

/* ---- JSON ---- */

static eg_json *shape_json(eg_shape shape)
{
    eg_json *list = eg_json_array();
    for (uint32_t i = 0; i < shape.rank; i++) eg_json_int(list, NULL, shape.dims[i]);
    return list;
}

static eg_json *health_json(const eg_health *h)
{
    eg_json *out = eg_json_object();
    eg_json_int(out, "nan", (int64_t)h->nan);
    eg_json_int(out, "inf", (int64_t)h->inf);
    eg_json_real(out, "min", h->min);
    eg_json_real(out, "max", h->max);
    eg_json_real(out, "mean", h->mean);
    eg_json_real(out, "std", h->std);
    eg_json_bool(out, "constant", h->constant);
    eg_json_bool(out, "negative_running_var", h->negative_variance);
    return out;
}

static eg_json *tensors_json(const inspection *x)
{
    eg_json *list = eg_json_array();
    for (size_t i = 0; i < x->file->store.count; i++) {
        const eg_entry *entry = &x->file->store.entries[i];
        eg_json *one = eg_json_object();
        eg_json_string(one, "name", entry->name);
        eg_json_string(one, "dtype", eg_dtype_name(entry->dtype));
        eg_json_add(one, "shape", shape_json(entry->shape));
        if (x->options->digest) eg_json_string(one, "sha256", x->health[i].sha256);
        if (x->tied_to[i]) eg_json_string(one, "tied_to", x->tied_to[i]);
        if (x->options->stats && x->health[i].known) eg_json_add(one, "stats", health_json(&x->health[i]));
        eg_json_add(list, NULL, one);
    }
    return list;
}

static eg_json *entries_json(const eg_checkpoint *file)
{
    eg_json *list = eg_json_array();
    for (size_t i = 0; i < file->value_count; i++) {
        eg_json *one = eg_json_object();
        eg_json_string(one, "name", file->values[i].name);
        eg_json_string(one, "type", file->values[i].type);
        eg_json_string(one, "value", file->values[i].text);
        eg_json_add(list, NULL, one);
    }
    return list;
}

static eg_json *references_json(const eg_checkpoint *file, bool only_dangerous)
{
    eg_json *list = eg_json_array();
    for (size_t i = 0; i < file->reference_count; i++) {
        const eg_checkpoint_reference *r = &file->references[i];
        if (only_dangerous && !r->dangerous) continue;
        eg_json *one = eg_json_object();
        eg_json_string(one, "module", r->module);
        eg_json_string(one, "name", r->name);
        eg_json_int(one, "offset", (int64_t)r->offset);
        eg_json_bool(one, "dangerous", r->dangerous);
        eg_json_add(list, NULL, one);
    }
    return list;
}

static eg_json *versions_json(const eg_checkpoint *file)
{
    eg_json *out = eg_json_object();
    for (size_t i = 0; i < file->version_count; i++)
        eg_json_int(out, file->versions[i].path, file->versions[i].version);
    return out;
}

static bool print_json(const inspection *x, eg_error *err)
{
    const eg_checkpoint *file = x->file;
    eg_json *out = eg_json_object(), *warnings = eg_json_array(), *totals = eg_json_object();
    for (size_t i = 0; i < file->warning_count; i++) eg_json_string(warnings, NULL, file->warnings[i]);
    eg_json_int(totals, "tensors", (int64_t)file->store.count);
    eg_json_int(totals, "elements", (int64_t)x->elements);
    eg_json_int(totals, "bytes", (int64_t)x->bytes);
    eg_json_string(out, "format", file->format);
    eg_json_string(out, "file", file->path);
    eg_json_string(out, "state_dict", file->state_dict);
    eg_json_add(out, "totals", totals);
    eg_json_add(out, "tensors", tensors_json(x));
    eg_json_add(out, "entries", entries_json(file));
    eg_json_add(out, "unsafe", references_json(file, true));
    eg_json_add(out, "references", references_json(file, false));
    eg_json_add(out, "versions", versions_json(file));
    eg_json_add(out, "warnings", warnings);
    eg_json_string(out, "card", file->card);
    bool ok = eg_json_print(out, stdout, err);
    eg_json_free(out);
    return ok;
}

/* ---- table ---- */

static const char *real_text(eg_arena *arena, double value)
{
    return isnan(value) ? "-" : eg_arena_printf(arena, "%.4g", value);
}

static void fill_row(inspection *x, const eg_tree_line *line, eg_row *out)
{
    eg_arena *arena = &x->arena;
    uint64_t numel = 0;
    int c = 0;
    out->cells[c++] = line->label;
    if (!line->entry) return;
    eg_shape_numel(line->entry->shape, &numel);
    out->cells[c++] = eg_dtype_name(line->entry->dtype);
    out->cells[c++] = eg_shape_text(arena, line->entry->shape);
    out->cells[c++] = eg_size_text(arena, numel * eg_dtype_size(line->entry->dtype));
    const eg_health *h = x->health ? &x->health[line->position] : NULL;
    if (h && x->options->stats) {
        out->cells[c++] = h->known ? real_text(arena, h->min) : "-";
        out->cells[c++] = h->known ? real_text(arena, h->max) : "-";
        out->cells[c++] = h->known ? real_text(arena, h->mean) : "-";
        out->cells[c++] = h->known ? real_text(arena, h->std) : "-";
    }
    const char *wrong = h ? eg_health_text(arena, h) : NULL, *tied = x->tied_to[line->position];
    if (h && x->options->digest)
        wrong = eg_arena_printf(arena, "%.*s%s%s", SHOWN_DIGEST, h->sha256, wrong ? "  " : "",
                                wrong ? wrong : "");
    if (tied) tied = eg_arena_printf(arena, "= %s", tied);
    if (wrong || tied)
        out->cells[c] =
            eg_arena_printf(arena, "%s%s%s", wrong ? wrong : "", wrong && tied ? "  " : "", tied ? tied : "");
}

static void print_tensors(inspection *x)
{
    size_t count;
    bool fold = !x->options->digest && !x->options->stats;
    const eg_tree_line *lines = eg_tree_lines(&x->arena, &x->file->store, fold, &count);
    eg_row *rows = EG_NEW_ARRAY(&x->arena, eg_row, count + 1);
    bool stats = x->options->stats,
         right[EG_TABLE_COLUMNS] = {false, false, false, true, stats, stats, stats, stats, false};
    rows[0] = (eg_row){{"tensor", "type", "shape", "size"}};
    if (stats) rows[0] = (eg_row){{"tensor", "type", "shape", "size", "min", "max", "mean", "std"}};
    for (size_t i = 0; i < count; i++) fill_row(x, &lines[i], &rows[i + 1]);
    eg_table_print(rows, count + 1, right);
}

/* "F32 270,896, I64 20" in order of first use. */
static const char *dtype_totals(inspection *x)
{
    eg_buf buf = {0};
    for (eg_dtype d = 0; d < EG_DTYPE_COUNT; d++) {
        uint64_t total = 0, numel = 0;
        bool any = false;
        for (size_t i = 0; i < x->file->store.count; i++) {
            const eg_entry *entry = &x->file->store.entries[i];
            if (entry->dtype != d || !eg_shape_numel(entry->shape, &numel)) continue;
            total += numel;
            any = true;
        }
        if (any)
            eg_buf_printf(&buf, "%s%s %s", buf.length ? ", " : "", eg_count_text(&x->arena, total),
                          eg_dtype_name(d));
    }
    return eg_buf_take(&buf, &x->arena);
}

static void print_values(inspection *x)
{
    const eg_checkpoint *file = x->file;
    const bool right[EG_TABLE_COLUMNS] = {false};
    if (!file->value_count) return;
    eg_row *rows = EG_NEW_ARRAY(&x->arena, eg_row, file->value_count);
    for (size_t i = 0; i < file->value_count; i++)
        rows[i] = (eg_row){{eg_arena_printf(&x->arena, "  %s", file->values[i].name), file->values[i].type,
                            file->values[i].text}};
    printf("\nAlso in the file:\n");
    eg_table_print(rows, file->value_count, right);
}

static void print_references(const eg_checkpoint *file)
{
    if (!file->reference_count) return;
    printf("\nA Python loader would import (engraft does not):\n");
    for (size_t i = 0; i < file->reference_count; i++) {
        const eg_checkpoint_reference *r = &file->references[i];
        printf("  %s.%s  (offset %llu)%s\n", r->module, r->name, (unsigned long long)r->offset,
               r->dangerous ? "  UNSAFE: it could execute code" : "");
    }
}

static void print_table(inspection *x)
{
    const eg_checkpoint *file = x->file;
    printf("%s: %s", file->path, file->format);
    if (*file->state_dict) printf(", state dict '%s'", file->state_dict);
    printf("\n\n");
    if (file->store.count) print_tensors(x);
    if (!file->store.count)
        printf("no tensors\n");
    else
        printf("\n%s tensor%s, %s element%s (%s), %s\n", eg_count_text(&x->arena, file->store.count),
               file->store.count == 1 ? "" : "s", eg_count_text(&x->arena, x->elements),
               x->elements == 1 ? "" : "s", dtype_totals(x), eg_size_text(&x->arena, x->bytes));
    print_values(x);
    print_references(file);
    for (size_t i = 0; i < file->warning_count; i++)
        printf("%swarning: %s\n", i ? "" : "\n", file->warnings[i]);
}

static bool print_manifest(inspection *x, eg_error *err)
{
    const char **digests = EG_NEW_ARRAY(&x->arena, const char *, x->file->store.count);
    for (size_t i = 0; x->options->digest && i < x->file->store.count; i++) digests[i] = x->health[i].sha256;
    return eg_manifest_print(x->file, digests, err);
}

bool eg_run_inspect(const eg_inspect_options *options, eg_error *err)
{
    eg_checkpoint_options how = options->read;
    how.inspect = true;
    eg_checkpoint *file = eg_named_file_open(options->file, &how, err);
    if (!file) return false;
    inspection x = {.file = file, .options = options};
    measure(&x);
    bool ok = check_health(&x, err);
    if (ok && options->manifest)
        ok = print_manifest(&x, err);
    else if (ok && options->json)
        ok = print_json(&x, err);
    else if (ok) {
        print_table(&x);
        if (fflush(stdout) != 0 || ferror(stdout))
            ok = eg_fail(err, EG_SYSTEM, "cannot write to standard output");
    }
    eg_arena_clear(&x.arena);
    eg_checkpoint_close(file);
    return ok;
}
