#include "data/dataset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/str.h"
#include "data/folder.h"
#include "data/idx.h"
#include "data/listing.h"

enum { LABELS = 256 };

typedef struct names {
    const char *const *items;
    size_t count;
} names;

static int64_t find_name(names list, const char *name)
{
    for (size_t i = 0; i < list.count; i++)
        if (strcmp(list.items[i], name) == 0) return (int64_t)i;
    return -1;
}

/* "ants, bees, …", for messages. */
static const char *list_text(eg_arena *arena, names list)
{
    eg_buf buf = {0};
    for (size_t i = 0; i < list.count && i < 8; i++) {
        if (i) eg_buf_puts(&buf, ", ");
        eg_buf_puts(&buf, list.items[i]);
    }
    if (list.count > 8) eg_buf_puts(&buf, ", …");
    return eg_buf_take(&buf, arena);
}

/* Every name of `wanted` must be in `own`. */
static bool check_known(eg_arena *arena, const eg_data_set *spec, const char *where, names own, names wanted,
                        eg_error *err)
{
    for (size_t i = 0; i < wanted.count; i++) {
        if (find_name(own, wanted.items[i]) >= 0) continue;
        const char *name = wanted.items[i];
        const char *near =
            strlen(name) > 2 ? eg_nearest(name, own.items, own.count) : NULL; /* not for labels */
        return eg_fail_at(err, EG_RECIPE, spec->place, "there is no class '%s' in '%s'%s%s%s, which has: %s",
                          name, where, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "",
                          list_text(arena, own));
    }
    return true;
}

static bool check_distinct(const eg_data_set *spec, names list, eg_error *err)
{
    for (size_t i = 0; i < list.count; i++)
        if (find_name(list, list.items[i]) != (int64_t)i)
            return eg_fail_at(err, EG_RECIPE, spec->place, "class '%s' is listed twice", list.items[i]);
    return true;
}

/* The classes in force: those that are fixed by the caller, else those that the recipe keeps, else all. A
 * fixed list has to hold all classes that are kept. */
static bool choose_classes(eg_arena *arena, eg_dataset *set, const char *where, names own, names fixed,
                           eg_error *err)
{
    const eg_data_set *spec = set->spec;
    names kept = spec->classes ? (names){spec->classes, spec->class_count} : own;
    names chosen = fixed.items ? fixed : kept;
    if (!check_distinct(spec, kept, err) || !check_distinct(spec, chosen, err)) return false;
    if (!check_known(arena, spec, where, own, kept, err)) return false;
    if (!check_known(arena, spec, where, kept, chosen, err)) return false;
    for (size_t i = 0; i < kept.count; i++)
        if (find_name(chosen, kept.items[i]) < 0)
            return eg_fail_at(
                err, EG_RECIPE, spec->place,
                "'%s' has a class '%s' that is not one of the model's classes (%s): keep only those "
                "with 'classes'",
                where, kept.items[i], list_text(arena, chosen));
    set->classes = EG_NEW_ARRAY(arena, const char *, chosen.count);
    set->class_count = chosen.count;
    for (size_t i = 0; i < chosen.count; i++) set->classes[i] = eg_arena_string(arena, chosen.items[i]);
    return true;
}

/* Lowers the numbers of samples of each class so that they sum up to at most `limit`: the classes are filled
 * in turn, one sample at a time, and one that runs out leaves its share to the others. A class's first
 * samples are the ones that stay; no chance is involved. */
static void apply_limit(size_t *counts, size_t class_count, int64_t limit)
{
    if (limit <= 0) return;
    size_t *quota = eg_malloc(eg_size_product(class_count, sizeof *quota));
    memset(quota, 0, class_count * sizeof *quota);
    bool grown = true;
    for (int64_t left = limit; left > 0 && grown;) {
        grown = false;
        for (size_t c = 0; c < class_count && left > 0; c++) {
            if (quota[c] == counts[c]) continue;
            quota[c]++;
            left--;
            grown = true;
        }
    }
    memcpy(counts, quota, class_count * sizeof *counts);
    free(quota);
}

/* ---- folder ---- */
static bool open_folder(eg_arena *arena, eg_dataset *set, names fixed, eg_error *err)
{
    const char *root = set->spec->folder;
    names own;
    if (!eg_folder_classes(arena, root, &own.items, &own.count, err)) return false;
    if (own.count == 0)
        return eg_fail_at(err, EG_RECIPE, set->spec->place,
                          "'%s' has no sub-folders, expected one for each class", root);
    if (!choose_classes(arena, set, root, own, fixed, err)) return false;
    eg_file_list *lists = EG_NEW_ARRAY(arena, eg_file_list, set->class_count);
    size_t *counts = EG_NEW_ARRAY(arena, size_t, set->class_count);
    for (size_t c = 0; c < set->class_count; c++) {
        const char *folder = eg_path_join(arena, root, set->classes[c]);
        if (!eg_folder_images(arena, folder, &lists[c], err)) return false;
        if (lists[c].count == 0)
            return eg_fail_at(err, EG_RECIPE, set->spec->place,
                              "class '%s' has no images: '%s' holds no .jpg, .jpeg or .png (%zu other files)",
                              set->classes[c], folder, lists[c].skipped);
        set->skipped += lists[c].skipped;
        counts[c] = lists[c].count;
    }
    apply_limit(counts, set->class_count, set->spec->limit);
    for (size_t c = 0; c < set->class_count; c++) set->count += counts[c];
    set->samples = EG_NEW_ARRAY(arena, eg_sample, set->count);
    for (size_t c = 0, at = 0; c < set->class_count; c++)
        for (size_t i = 0; i < counts[c]; i++)
            set->samples[at++] = (eg_sample){lists[c].paths[i], (int32_t)c};
    return true;
}

/* ---- idx ---- */
/* The label that a class is named for, or -1. */
static int label_of(const char *name)
{
    int label = 0;
    if (!name[0] || strlen(name) > 3 || (name[0] == '0' && name[1])) return -1;
    for (const char *c = name; *c; c++) {
        if (*c < '0' || *c > '9') return -1;
        label = 10 * label + *c - '0';
    }
    return label < LABELS ? label : -1;
}

/* Those of both, each once. */
static names joined(eg_arena *arena, names own, names fixed)
{
    const char **all = EG_NEW_ARRAY(arena, const char *, own.count + fixed.count);
    names out = {all, own.count};
    if (own.count) memcpy(all, own.items, own.count * sizeof *all);
    for (size_t i = 0; i < fixed.count; i++)
        if (find_name(out, fixed.items[i]) < 0) all[out.count++] = fixed.items[i];
    return out;
}

/* Labels have no names of their own, so that a fixed class which has no sample here is fine when it is a
 * number. */
static names with_fixed(eg_arena *arena, names own, names fixed)
{
    const char **all = EG_NEW_ARRAY(arena, const char *, own.count + fixed.count);
    names out = {all, own.count};
    if (own.count) memcpy(all, own.items, own.count * sizeof *all);
    for (size_t i = 0; i < fixed.count; i++)
        if (label_of(fixed.items[i]) >= 0 && find_name(out, fixed.items[i]) < 0)
            all[out.count++] = fixed.items[i];
    return out;
}

static names own_labels(eg_arena *arena, const bool present[LABELS])
{
    const char **items = EG_NEW_ARRAY(arena, const char *, LABELS);
    size_t count = 0;
    for (int label = 0; label < LABELS; label++)
        if (present[label]) items[count++] = eg_arena_printf(arena, "%d", label);
    return (names){items, count};
}

static void take_rows(eg_arena *arena, eg_dataset *set, eg_idx *idx, const int32_t *class_of)
{
    size_t *counts = EG_NEW_ARRAY(arena, size_t, set->class_count);
    for (size_t i = 0; i < idx->count; i++)
        if (class_of[idx->labels[i]] >= 0) counts[class_of[idx->labels[i]]]++;
    apply_limit(counts, set->class_count, set->spec->limit);
    for (size_t c = 0; c < set->class_count; c++) set->count += counts[c];
    set->samples = EG_NEW_ARRAY(arena, eg_sample, set->count);
    idx->rows = EG_NEW_ARRAY(arena, uint32_t, set->count);
    for (size_t i = 0, at = 0; i < idx->count; i++) {
        int32_t c = class_of[idx->labels[i]];
        if (c < 0 || counts[c] == 0) continue;
        counts[c]--;
        idx->rows[at] = (uint32_t)i;
        set->samples[at++] = (eg_sample){eg_arena_printf(arena, "%s#%zu", set->spec->images, i), c};
    }
}

static bool open_idx(eg_arena *arena, eg_dataset *set, names fixed, eg_error *err)
{
    const eg_data_set *spec = set->spec;
    eg_idx *idx = eg_idx_open(arena, spec->images, spec->labels, err);
    if (!idx) return false;
    bool present[LABELS] = {false};
    int32_t class_of[LABELS];
    for (size_t i = 0; i < idx->count; i++) present[idx->labels[i]] = true;
    names own = own_labels(arena, present);
    if (!spec->classes) own = with_fixed(arena, own, fixed);
    if (!choose_classes(arena, set, spec->labels, own, fixed, err)) return false;
    for (int label = 0; label < LABELS; label++) class_of[label] = -1;
    for (size_t c = 0; c < set->class_count; c++) class_of[label_of(set->classes[c])] = (int32_t)c;
    take_rows(arena, set, idx, class_of);
    set->idx = idx;
    return true;
}

/* ---- csv, jsonl ---- */
static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The labels that occur, sorted by byte. */
static names own_classes(eg_arena *arena, const eg_listing *listing)
{
    const char **items = EG_NEW_ARRAY(arena, const char *, listing->count);
    size_t count = 0;
    for (size_t i = 0; i < listing->count; i++) items[i] = listing->rows[i].label;
    if (listing->count) qsort(items, listing->count, sizeof *items, by_name);
    for (size_t i = 0; i < listing->count; i++)
        if (!count || strcmp(items[count - 1], items[i]) != 0) items[count++] = items[i];
    return (names){items, count};
}

static void take_lines(eg_arena *arena, eg_dataset *set, const eg_listing *listing)
{
    const names classes = {set->classes, set->class_count};
    size_t *counts = EG_NEW_ARRAY(arena, size_t, set->class_count);
    int64_t *of = EG_NEW_ARRAY(arena, int64_t, listing->count);
    eg_map *index = eg_map_new(arena);
    for (size_t c = 0; c < classes.count; c++) eg_map_add(index, classes.items[c], (int64_t)c);
    for (size_t i = 0; i < listing->count; i++) {
        of[i] = eg_map_find(index, listing->rows[i].label);
        if (of[i] >= 0) counts[of[i]]++;
    }
    apply_limit(counts, set->class_count, set->spec->limit);
    for (size_t c = 0; c < set->class_count; c++) set->count += counts[c];
    set->samples = EG_NEW_ARRAY(arena, eg_sample, set->count);
    if (set->spec->group_column) set->groups = EG_NEW_ARRAY(arena, const char *, set->count);
    for (size_t i = 0, at = 0; i < listing->count; i++) {
        if (of[i] < 0 || counts[of[i]] == 0) continue;
        counts[of[i]]--;
        if (set->groups) set->groups[at] = listing->rows[i].group;
        set->samples[at++] = (eg_sample){listing->rows[i].path, (int32_t)of[i]};
    }
}

/* A class of the network that no line has is fine: a table need not show every one. */
static bool open_listing(eg_arena *arena, eg_dataset *set, names fixed, eg_error *err)
{
    eg_listing listing;
    if (!eg_listing_read(&listing, arena, set->spec, err)) return false;
    names own = own_classes(arena, &listing);
    if (!set->spec->classes && fixed.count) own = joined(arena, own, fixed);
    if (!choose_classes(arena, set, set->spec->table, own, fixed, err)) return false;
    take_lines(arena, set, &listing);
    return true;
}

const eg_dataset *eg_dataset_open(eg_arena *arena, const eg_data_set *spec, const char *const *classes,
                                  size_t class_count, int channels, eg_error *err)
{
    assert(channels == 1 || channels == 3);
    static bool (*const open[EG_DATA_KIND_COUNT])(eg_arena *, eg_dataset *, names, eg_error *) = {
        [EG_DATA_FOLDER] = open_folder,
        [EG_DATA_IDX] = open_idx,
        [EG_DATA_CSV] = open_listing,
        [EG_DATA_JSONL] = open_listing,
    };
    assert(spec->kind < EG_DATA_KIND_COUNT && open[spec->kind]);
    eg_dataset *set = EG_NEW(arena, eg_dataset);
    set->spec = spec;
    set->channels = channels;
    names fixed = {classes, classes ? class_count : 0};
    bool ok = open[spec->kind](arena, set, fixed, err);
    if (ok && set->count == 0) ok = eg_fail_at(err, EG_RECIPE, spec->place, "the data set has no samples");
    return ok ? set : NULL;
}

bool eg_dataset_image(const eg_dataset *dataset, size_t sample, eg_image *image, eg_error *err)
{
    assert(sample < dataset->count);
    if (!dataset->idx) return eg_image_read(image, dataset->samples[sample].file, dataset->channels, err);
    return eg_idx_image(dataset->idx, dataset->idx->rows[sample], dataset->channels, image, err) ||
           eg_error_in(err, dataset->samples[sample].file);
}
