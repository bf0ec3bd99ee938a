#include "run/state.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "engraft/checkpoint.h"
#include "format/json.h"
#include "run/plan_json.h"

/* ---- what decided ---- */

const char *eg_state_decided(eg_arena *arena, const eg_transfer *transfer, const eg_problems *problems,
                             const eg_samples *samples)
{
    eg_buf text = {0};
    eg_json *plan = eg_plan_json(transfer, problems, NULL);
    char *digest = eg_arena_alloc(arena, 65);
    eg_buf_printf(&text, "%s %s\n%s\n%s\n", ENGRAFT_VERSION, transfer->net->args,
                  eg_recipe_text(arena, transfer->recipe), eg_json_text(arena, plan, 0));
    for (size_t i = 0; i < samples->train->count; i++)
        eg_buf_printf(&text, "%s %" PRId32 "\n", samples->train->samples[i].file,
                      samples->train->samples[i].label);
    eg_json_free(plan);
    eg_sha256_hex(text.data, text.length, digest);
    eg_buf_clear(&text);
    return digest;
}

/* ---- the progress as JSON ---- */

typedef enum number_kind { IS_INT, IS_REAL, IS_BOOL } number_kind;

#define ROW(kind, member)                                                                                    \
    {                                                                                                        \
#member, kind, offsetof(eg_progress, member)                                                         \
    }
static const struct {
    const char *name;
    number_kind kind;
    size_t offset;
} rows[] = {
    ROW(IS_INT, phase),
    ROW(IS_INT, epoch),
    ROW(IS_INT, step),
    ROW(IS_INT, epochs),
    ROW(IS_INT, steps),
    ROW(IS_REAL, loss.sum),
    ROW(IS_REAL, loss.weight),
    ROW(IS_INT, loss.samples),
    ROW(IS_INT, loss.correct),
    ROW(IS_INT, loss.top5),
    ROW(IS_BOOL, plateau.begun),
    ROW(IS_REAL, plateau.best),
    ROW(IS_INT, plateau.bad),
    ROW(IS_INT, plateau.cooldown),
    ROW(IS_INT, plateau.reductions),
    ROW(IS_BOOL, stopping.begun),
    ROW(IS_REAL, stopping.best),
    ROW(IS_INT, stopping.bad),
    ROW(IS_BOOL, over),
    ROW(IS_BOOL, stopped),
    ROW(IS_BOOL, best.begun),
    ROW(IS_REAL, best.best),
    ROW(IS_INT, best.bad),
    ROW(IS_INT, best_epoch),
    ROW(IS_INT, best_phase),
    ROW(IS_REAL, best_score.sum),
    ROW(IS_REAL, best_score.weight),
    ROW(IS_INT, best_score.samples),
    ROW(IS_INT, best_score.correct),
    ROW(IS_INT, best_score.top5),
};

enum { ROWS = sizeof rows / sizeof *rows };

/* In hexadecimal, which reads back to the bit. */
static void put_real(eg_json *json, const char *name, double value)
{
    char text[64];
    snprintf(text, sizeof text, "%a", value);
    eg_json_string(json, name, text);
}

static bool get_real(const eg_json *json, const char *name, double *value)
{
    const char *text = eg_json_get_string(json, name);
    char *end = NULL;
    if (text) *value = strtod(text, &end);
    return text && end != text && !*end;
}

static eg_json *progress_json(const eg_progress *progress)
{
    eg_json *json = eg_json_object();
    for (size_t i = 0; i < ROWS; i++) {
        const void *at = (const char *)progress + rows[i].offset;
        if (rows[i].kind == IS_INT)
            eg_json_int(json, rows[i].name, *(const int64_t *)at);
        else if (rows[i].kind == IS_REAL)
            put_real(json, rows[i].name, *(const double *)at);
        else
            eg_json_bool(json, rows[i].name, *(const bool *)at);
    }
    return json;
}

static bool read_progress(const eg_json *json, eg_progress *progress, eg_error *err)
{
    for (size_t i = 0; i < ROWS; i++) {
        void *at = (char *)progress + rows[i].offset;
        bool ok = rows[i].kind == IS_INT    ? eg_json_get_int(json, rows[i].name, at)
                  : rows[i].kind == IS_REAL ? get_real(json, rows[i].name, at)
                                            : eg_json_get_bool(json, rows[i].name, at);
        if (!ok)
            return eg_fail(err, EG_MALFORMED, "this is no saved training: '%s' is missing", rows[i].name);
    }
    return true;
}

static eg_json *card_json(const eg_tuning *tuning, const eg_trainer_state *state, const char *decided)
{
    eg_json *json = eg_json_object(), *steps = eg_json_array(), *phases = eg_json_array();
    eg_json_int(json, "state", 1);
    eg_json_string(json, "decided", decided);
    eg_json_add(json, "progress", progress_json(state->progress));
    for (int32_t p = 0; p < tuning->transfer->net->param_count; p++)
        eg_json_int(steps, NULL, eg_optimizer_slot(state->optimizer, (size_t)p)->steps);
    for (size_t i = 0; i < tuning->phase_count; i++) eg_json_int(phases, NULL, tuning->phases[i].epochs);
    eg_json_add(json, "steps", steps);
    eg_json_add(json, "phases", phases);
    return json;
}

/* ---- writing ---- */

typedef struct list {
    eg_arena arena;
    eg_entry *entries;
    size_t count;
} list;

static void add(list *l, const char *name, eg_dtype dtype, int64_t size, const void *bytes)
{
    l->entries[l->count++] =
        eg_entry_in_memory(&l->arena, name, dtype, eg_shape_copy(&l->arena, &size, 1), bytes);
}

static void add_weights(list *l, const char *prefix, const eg_weights *weights)
{
    if (!weights) return;
    eg_store store = eg_weights_store(&l->arena, weights, prefix);
    memcpy(l->entries + l->count, store.entries, store.count * sizeof *store.entries);
    l->count += store.count;
}

static void add_optimizer(list *l, const eg_net *net, const eg_optimizer *optimizer)
{
    for (int32_t p = 0; p < net->param_count; p++) {
        const eg_optimizer_state *slot = eg_optimizer_slot(optimizer, (size_t)p);
        if (slot->values)
            add(l, eg_arena_printf(&l->arena, "optimizer/%s", net->params[p].name), EG_F32, slot->count,
                slot->values);
    }
}

static const char *const best_prefixes[EG_WEIGHTS_COUNT] = {
    [EG_WEIGHTS_RAW] = "best.raw/", [EG_WEIGHTS_EMA] = "best.ema/"};

bool eg_state_write(const char *path, eg_tuning *tuning, eg_trainer *trainer, const char *decided,
                    eg_error *err)
{
    const eg_net *net = tuning->transfer->net;
    const eg_trainer_state state = eg_trainer_state_of(trainer);
    list l = {.count = 0};
    const char *metrics = "";
    l.entries = EG_NEW_ARRAY(&l.arena, eg_entry, (size_t)net->param_count * (3 + EG_WEIGHTS_COUNT) + 2);
    bool ok = !tuning->log.file || eg_output_text(tuning->log.file, &l.arena, &metrics, err);
    add_weights(&l, "weights/", state.weights);
    add_weights(&l, "average/", state.average);
    for (int i = 0; i < EG_WEIGHTS_COUNT; i++) add_weights(&l, best_prefixes[i], state.best[i]);
    add_optimizer(&l, net, state.optimizer);
    add(&l, "confusion", EG_I64, (int64_t)state.confusion_count, state.confusion);
    if (ok) add(&l, "metrics", EG_U8, (int64_t)strlen(metrics), metrics);
    eg_json *card = card_json(tuning, &state, decided);
    const eg_store store = {.entries = l.entries, .count = l.count};
    const eg_checkpoint_extra extra = {.card = eg_json_text(&l.arena, card, 0)};
    eg_json_free(card);
    ok = ok && eg_folder_make(eg_path_folder(&l.arena, path), err) &&
         eg_checkpoint_write(path, &store, &extra, err);
    eg_arena_clear(&l.arena);
    return ok;
}

/* ---- reading ---- */

typedef struct reader {
    eg_arena arena;
    const eg_store *store;
    eg_tuning *tuning;
    eg_trainer_state state;
    eg_error *err;
} reader;

/* The tensor's bytes, of which there must be so many elements. */
static bool fill(reader *r, const char *name, eg_dtype dtype, uint64_t count, void *out)
{
    const eg_entry *entry = eg_store_find(r->store, name);
    uint64_t numel = 0;
    if (!entry || entry->dtype != dtype || !eg_shape_numel(entry->shape, &numel) || numel != count)
        return eg_fail(r->err, EG_MALFORMED,
                       "this is no saved training of the recipe: '%s' is missing or has "
                       "another shape",
                       name);
    return eg_entry_read(entry, out, r->err);
}

static bool fill_weights(reader *r, const char *prefix, eg_weights *weights)
{
    for (int32_t p = 0; weights && p < weights->net->param_count; p++) {
        const eg_param *param = &weights->net->params[p];
        uint64_t numel = 0;
        eg_shape_numel(param->shape, &numel);
        if (!fill(r, eg_arena_printf(&r->arena, "%s%s", prefix, param->name), param->dtype, numel,
                  weights->data[p]))
            return false;
    }
    return true;
}

static bool fill_optimizer(reader *r, const eg_json *steps)
{
    const eg_net *net = r->tuning->transfer->net;
    const eg_optimizer_section *section = &r->tuning->transfer->recipe->train.optimizer;
    for (int32_t p = 0; p < net->param_count; p++) {
        const char *name = eg_arena_printf(&r->arena, "optimizer/%s", net->params[p].name);
        const eg_entry *entry = eg_store_find(r->store, name);
        const eg_json *item = eg_json_at(steps, (size_t)p);
        int64_t taken = 0;
        uint64_t count = 0;
        if (!item || !eg_json_is_int(item, &taken) || taken < 0)
            return eg_fail(r->err, EG_MALFORMED,
                           "this is no saved training of the recipe: 'steps' is not whole");
        uint64_t numel = 0, states = (uint64_t)eg_optimizer_states(section);
        eg_shape_numel(net->params[p].shape, &numel);
        if (taken == 0 || states == 0) continue;
        if (!entry || !eg_shape_numel(entry->shape, &count) || count != numel * states)
            return eg_fail(r->err, EG_MALFORMED,
                           "this is no saved training of the recipe: '%s' has another size", name);
        float *values = eg_optimizer_restore(r->state.optimizer, (size_t)p, (int64_t)count, taken, r->err);
        if (!values || !fill(r, name, EG_F32, count, values)) return false;
    }
    return true;
}

static bool fill_metrics(reader *r)
{
    const eg_entry *entry = eg_store_find(r->store, "metrics");
    uint64_t size = 0;
    if (!r->tuning->log.file || !entry || !eg_shape_numel(entry->shape, &size)) return true;
    char *text = eg_arena_alloc(&r->arena, size + 1);
    return fill(r, "metrics", EG_U8, size, text) &&
           eg_output_write(r->tuning->log.file, text, (size_t)size, r->err);
}

/* What the phases before came to. */
static void fill_phases(reader *r, const eg_json *epochs)
{
    eg_tuning *tuning = r->tuning;
    for (int64_t i = 0; i < r->state.progress->phase; i++) {
        int64_t done = 0;
        const eg_json *item = eg_json_at(epochs, (size_t)i);
        if (item) eg_json_is_int(item, &done);
        eg_tuning_recall(tuning, (size_t)i, done);
    }
}

static bool read_card(reader *r, const eg_json *card, const char *decided)
{
    eg_progress progress = {0};
    const char *of = eg_json_get_string(card, "decided");
    if (!of) return eg_fail(r->err, EG_MALFORMED, "this is no saved training");
    if (strcmp(of, decided) != 0)
        return eg_fail(
            r->err, EG_MISMATCH,
            "the training that was saved here is another one: recipe, plan or samples have changed; "
            "run without --resume, or into another directory");
    if (!read_progress(eg_json_get(card, "progress"), &progress, r->err) ||
        !eg_trainer_continue(r->tuning->trainer, &progress, r->err))
        return false;
    r->state = eg_trainer_state_of(r->tuning->trainer);
    bool ok = fill_weights(r, "weights/", r->state.weights) && fill_weights(r, "average/", r->state.average);
    for (int i = 0; ok && i < EG_WEIGHTS_COUNT; i++) ok = fill_weights(r, best_prefixes[i], r->state.best[i]);
    ok = ok && fill_optimizer(r, eg_json_get(card, "steps")) &&
         fill(r, "confusion", EG_I64, r->state.confusion_count, r->state.confusion) && fill_metrics(r);
    if (ok) fill_phases(r, eg_json_get(card, "phases"));
    return ok;
}

bool eg_state_read(const char *path, eg_tuning *tuning, const char *decided, eg_error *err)
{
    eg_checkpoint *file = eg_checkpoint_open(path, NULL, err);
    if (!file) return false;
    reader r = {.store = &file->store, .tuning = tuning, .err = err};
    eg_json *card = file->card ? eg_json_parse(file->card, err) : NULL;
    if (!file->card) eg_fail(err, EG_MALFORMED, "this is no saved training: it says nothing about itself");
    bool ok = card && read_card(&r, card, decided);
    eg_json_free(card);
    eg_arena_clear(&r.arena);
    eg_checkpoint_close(file);
    return ok || eg_error_in(err, path);
}
