#include "run/transfer.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sha256.h"
#include "run/applied_health.h"
#include "run/manifest.h"
#include "run/source_arch.h"

static bool open_source(eg_transfer *transfer, eg_arena *arena, eg_error *err)
{
    const eg_source_section *section = &transfer->recipe->source;
    if (!section->given) return true;
    transfer->is_manifest = eg_manifest_is(section->checkpoint);
    if (transfer->is_manifest) return eg_manifest_read(arena, section->checkpoint, &transfer->manifest, err);
    eg_checkpoint_options options = {.state_dict = section->state_dict};
    transfer->source = eg_checkpoint_open(section->checkpoint, &options, err);
    return transfer->source != NULL;
}

bool eg_transfer_open(eg_transfer *transfer, eg_arena *arena, const eg_run_options *options, eg_error *err)
{
    eg_problems *problems = options->problems;
    const eg_recipe *recipe =
        eg_recipe_read(arena, options->recipe, options->overrides, options->override_count, problems, err);
    if (!recipe) return false;
    transfer->recipe = recipe;
    transfer->net = eg_net_read(arena, recipe->target.arch, recipe->target.args, problems, err);
    if (!transfer->net || !open_source(transfer, arena, err)) return false;
    const eg_store *store = transfer->source ? &transfer->source->store : NULL;
    if (transfer->is_manifest) store = &transfer->manifest;
    if (store && !eg_source_arch_check(arena, recipe, store, problems, err)) return false;
    transfer->plan = eg_plan_build(arena, recipe, transfer->net, store, problems, err);
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

bool eg_transfer_check_digest(const eg_transfer *transfer, const char *sha256, eg_error *err)
{
    const eg_source_section *section = &transfer->recipe->source;
    if (!section->sha256 || strcmp(sha256, section->sha256) == 0) return true;
    eg_fail(err, EG_MISMATCH,
            "the file's SHA-256 is %s, and the recipe's source.sha256 is %s: this is another file", sha256,
            section->sha256);
    return eg_error_in(err, section->checkpoint);
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
           eg_applied_health_check(transfer->plan, weights, err);
}
