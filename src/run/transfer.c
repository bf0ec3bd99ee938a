#include "run/transfer.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sha256.h"
#include "plan/exactness.h"
#include "run/applied_health.h"
#include "run/container.h"
#include "run/manifest.h"
#include "run/source_arch.h"

static bool open_source(eg_transfer *transfer, eg_arena *arena, eg_problems *problems, eg_error *err)
{
    eg_error why = {0};
    const eg_source_section *section = &transfer->recipe->source;
    if (!section->given) return true;
    transfer->is_manifest = eg_manifest_is(section->checkpoint);
    if (transfer->is_manifest) return eg_manifest_read(arena, section->checkpoint, &transfer->manifest, err);
    eg_checkpoint_options options = {.state_dict = section->state_dict};
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

/* What is wrong with the name itself stands in the recipe; what is wrong in the file, there. */
static const eg_net *read_net(eg_arena *arena, const eg_recipe *recipe, eg_problems *problems, eg_error *err)
{
    eg_error why = {0};
    size_t before = problems->errors;
    const eg_net *net = eg_net_read(arena, recipe->target.arch, recipe->target.args, problems, &why);
    if (net) return net;
    if (problems->errors == before && !why.file[0] && why.code == EG_RECIPE)
        eg_problem_add(problems, "unknown_arch", recipe->target.arch_place, "%s", why.text);
    if (err && err->code == EG_OK) *err = why;
    return NULL;
}

bool eg_transfer_open(eg_transfer *transfer, eg_arena *arena, const eg_run_options *options, eg_error *err)
{
    eg_problems *problems = options->problems;
    const eg_recipe *recipe =
        eg_recipe_read(arena, options->recipe, options->overrides, options->override_count, problems, err);
    if (!recipe) return false;
    transfer->recipe = recipe;
    transfer->net = read_net(arena, recipe, problems, err);
    if (!transfer->net || !open_source(transfer, arena, problems, err)) return false;
    const eg_store *store = transfer->source ? &transfer->source->store : NULL;
    if (transfer->is_manifest) store = &transfer->manifest;
    if (store && !eg_source_arch_check(arena, recipe, store, problems, err)) return false;
    transfer->plan = eg_plan_build(arena, recipe, transfer->net, store, problems, err);
    if (transfer->plan) look_elsewhere(transfer, arena, problems);
    if (!transfer->plan || !eg_problems_check(problems, EG_REFUSED, err)) return false;
    if (!transfer->plan->ok) return eg_fail(err, EG_REFUSED, "the plan is refused");
    eg_problems_print(problems, stderr, eg_log_colour(stderr));
    return true;
}

void eg_transfer_close(eg_transfer *transfer)
{
    eg_checkpoint_close(transfer->source);
    *transfer = (eg_transfer){0};
}

static bool check_digest(const eg_source_section *section, eg_error *err)
{
    if (!section->given || !section->sha256) return true;
    eg_mapping mapping = {0};
    char digest[65];
    if (!eg_mapping_open(&mapping, section->checkpoint, err)) return false;
    eg_sha256_hex(mapping.bytes, mapping.size, digest);
    eg_mapping_close(&mapping);
    if (strcmp(digest, section->sha256) == 0) return true;
    eg_fail(err, EG_MISMATCH,
            "the file's SHA-256 is %s, and the recipe's source.sha256 is %s: this is another file", digest,
            section->sha256);
    return eg_error_in(err, section->checkpoint);
}

/* Numbers with more digits than a float has are told. */
static bool tell_exactness(const eg_plan *plan, const eg_weights *weights, eg_error *err)
{
    eg_exactness exactness;
    if (!eg_exactness_measure(plan, weights, &exactness, err)) return false;
    if (exactness.rounded)
        eg_log("cast       %" PRIu64 " of %" PRIu64
               " values in %zu tensors were rounded to float, the first in '%s'",
               exactness.rounded, exactness.values, exactness.tensors, exactness.first);
    else if (exactness.tensors)
        eg_log("cast       %zu tensors to float, every value exactly", exactness.tensors);
    return true;
}

bool eg_transfer_apply(const eg_transfer *transfer, eg_arena *arena, eg_weights *weights, eg_error *err)
{
    return check_digest(&transfer->recipe->source, err) &&
           eg_weights_init(weights, arena, transfer->net, err) &&
           eg_plan_apply(transfer->plan, transfer->recipe->train.seed, weights, err) &&
           tell_exactness(transfer->plan, weights, err) &&
           eg_applied_health_check(transfer->plan, weights, err);
}
