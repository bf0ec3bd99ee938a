#include "run/transfer.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sha256.h"
#include "plan/exactness.h"
#include "run/applied_health.h"
#include "run/container.h"
#include "run/keys.h"
#include "run/manifest.h"
#include "run/source_arch.h"
#include "run/target.h"

static bool open_source(eg_transfer *transfer, eg_arena *arena, eg_problems *problems, eg_error *err)
{
    eg_error why = {0};
    const eg_source_section *section = &transfer->recipe->source;
    if (!section->given) return true;
    transfer->is_manifest = eg_manifest_is(section->checkpoint);
    if (transfer->is_manifest) return eg_manifest_read(arena, section->checkpoint, &transfer->manifest, err);
    const eg_checkpoint_options options = {.state_dict = section->state_dict,
                                           .dequantize = section->dequantize};
    transfer->source = eg_checkpoint_open(section->checkpoint, &options, &why);
    if (transfer->source) return true;
    if (strcmp(why.id, "SEL-001") == 0)
        eg_container_diagnose(arena, transfer->recipe, transfer->net, NULL, why.text, problems);
    if (err && err->code == EG_OK) *err = why;
    return false;
}

/* Where few names meet, the file may hold what was meant elsewhere. */
static void look_elsewhere(const eg_transfer *transfer, eg_arena *arena, eg_problems *problems)
{
    bool poor = false;
    for (size_t i = 0; i < problems->count; i++)
        poor |= strcmp(problems->items[i].code, "empty_match") == 0 ||
                strcmp(problems->items[i].code, "poor_match") == 0;
    if (poor && transfer->source)
        eg_container_diagnose(arena, transfer->recipe, transfer->net, transfer->source->state_dict, NULL,
                              problems);
}

static bool find_costs(eg_transfer *transfer, eg_arena *arena, eg_error *err)
{
    const eg_recipe *recipe = transfer->recipe;
    eg_pool *pool = eg_pool_new(1, err);
    if (!pool) return false;
    size_t copies = eg_training_copies(&recipe->train, recipe->output.weight_count);
    transfer->costs =
        eg_phases_cost(arena, transfer->net, &recipe->train, transfer->phases, copies, pool, err);
    eg_pool_free(pool);
    return transfer->costs != NULL;
}

static bool plan_phases(eg_transfer *transfer, eg_arena *arena, eg_problems *problems, eg_error *err)
{
    const eg_recipe *recipe = transfer->recipe;
    const eg_plan *plan = transfer->plan;
    bool *frozen = EG_NEW_ARRAY(arena, bool, (size_t)transfer->net->param_count);
    if (!recipe->train.given || recipe->target.manifest) return true;
    for (size_t i = 0; i < plan->step_count; i++) frozen[plan->steps[i].param] = plan->steps[i].frozen;
    const eg_phase_options options = {.net = transfer->net,
                                      .section = &recipe->train,
                                      .rules = recipe->groups,
                                      .rule_count = recipe->group_count,
                                      .frozen = frozen,
                                      .batch_norm = plan->batch_norm};
    transfer->phases = eg_phases_build(arena, &options, problems, err);
    return transfer->phases && find_costs(transfer, arena, err);
}

/* The recipe as it is for its own applied model: every tensor is taken, by its own name. */
static const eg_recipe *applied_recipe(eg_arena *arena, const eg_recipe *recipe, const char *from)
{
    eg_recipe *applied = eg_arena_copy(arena, recipe, sizeof *recipe);
    const char *prefix = recipe->output.add_prefix;
    applied->source = (eg_source_section){.given = true, .place = recipe->source.place, .checkpoint = from};
    applied->transfer = (eg_transfer_section){.place = recipe->transfer.place,
                                              .unused_rule = recipe->transfer.unused_rule,
                                              .expect_loaded = -1,
                                              .expect_initialized = -1,
                                              .expect_min_loaded = -1};
    applied->init_count = 0;
    if (!prefix || !prefix[0]) return applied;
    const eg_rule strip = {.verb = EG_VERB_STRIP_PREFIX,
                           .place = recipe->output.place,
                           .text = eg_arena_printf(arena, "strip_prefix: %s", prefix),
                           .prefixes = eg_arena_copy(arena, &prefix, sizeof prefix),
                           .prefix_count = 1,
                           .any = true,
                           .optional = true};
    applied->transfer.rules = eg_arena_copy(arena, &strip, sizeof strip);
    applied->transfer.rule_count = 1;
    return applied;
}

/* The model that training alone starts from. */
static bool find_start(eg_transfer *transfer, eg_arena *arena, const eg_run_options *options, eg_error *err)
{
    const char *from = options->from ? options->from : transfer->recipe->output.checkpoint;
    if (!options->applied) return true;
    if (!from || !eg_path_exists(from)) {
        eg_fail(
            err, EG_SYSTEM,
            "there is no applied model to train yet; run `engraft apply %s`, or name one with --from FILE",
            options->recipe);
        return eg_error_in(err, from ? from : options->recipe);
    }
    transfer->recipe = applied_recipe(arena, transfer->recipe, from);
    return true;
}

bool eg_transfer_open(eg_transfer *transfer, eg_arena *arena, const eg_run_options *options, eg_error *err)
{
    eg_problems *problems = options->problems;
    const eg_recipe *recipe =
        eg_recipe_read(arena, options->recipe, options->overrides, options->override_count, problems, err);
    if (!recipe) return false;
    transfer->recipe = recipe;
    if (!find_start(transfer, arena, options, err)) return false;
    recipe = transfer->recipe;
    transfer->net = eg_target_read(arena, &recipe->target, problems, err);
    if (!transfer->net || !open_source(transfer, arena, problems, err)) return false;
    const eg_store *store = transfer->source ? &transfer->source->store : NULL;
    if (transfer->is_manifest) store = &transfer->manifest;
    if (store && !eg_keys_read(arena, &recipe->source, transfer->source, store, &store, problems, err))
        return false;
    transfer->store = store;
    if (store && !eg_source_arch_check(arena, recipe, store, problems, err)) return false;
    transfer->plan = eg_plan_build(arena, recipe, transfer->net, store, problems, err);
    if (transfer->plan) look_elsewhere(transfer, arena, problems);
    if (!transfer->plan || !eg_problems_check(problems, EG_REFUSED, err)) return false;
    if (!transfer->plan->ok) return eg_fail(err, EG_REFUSED, "the plan is refused");
    if (!plan_phases(transfer, arena, problems, err)) return false;
    eg_problems_print(problems, stderr, eg_log_colour(stderr));
    return true;
}

void eg_transfer_close(eg_transfer *transfer)
{
    eg_checkpoint_close(transfer->source);
    *transfer = (eg_transfer){0};
}

bool eg_transfer_check_digest(const eg_transfer *transfer, const char *sha256, eg_error *err)
{
    const eg_source_section *section = &transfer->recipe->source;
    if (!section->sha256 || strcmp(sha256, section->sha256) == 0) return true;
    eg_fail(err, EG_MISMATCH,
            "the file's SHA-256 is %s, and the recipe's source.sha256 is %s: this is another file", sha256,
            section->sha256);
    return eg_error_in(err, section->checkpoint);
}

bool eg_transfer_tell_casts(const eg_plan *plan, eg_error *err)
{
    eg_exactness exactness;
    if (!eg_exactness_measure(plan, &exactness, err)) return false;
    if (exactness.rounded)
        eg_log("cast       %" PRIu64 " of %" PRIu64
               " values in %zu tensors were rounded to float, the first in '%s'",
               exactness.rounded, exactness.values, exactness.tensors, exactness.first);
    else if (exactness.tensors)
        eg_log("cast       %zu tensors to float, every value exactly", exactness.tensors);
    return true;
}

static bool check_source(const eg_transfer *transfer, eg_error *err)
{
    const eg_source_section *section = &transfer->recipe->source;
    eg_mapping mapping = {0};
    char digest[65];
    if (!section->given || !section->sha256) return true;
    if (!eg_mapping_open(&mapping, section->checkpoint, err)) return false;
    eg_sha256_hex(mapping.bytes, mapping.size, digest);
    eg_mapping_close(&mapping);
    return eg_transfer_check_digest(transfer, digest, err);
}

bool eg_transfer_apply(const eg_transfer *transfer, eg_arena *arena, eg_weights *weights, eg_error *err)
{
    return check_source(transfer, err) && eg_weights_init(weights, arena, transfer->net, err) &&
           eg_plan_apply(transfer->plan, transfer->recipe->train.seed, weights, err) &&
           eg_transfer_tell_casts(transfer->plan, err) &&
           eg_applied_health_check(transfer->plan, weights, err);
}
