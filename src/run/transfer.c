#include "run/transfer.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sha256.h"
#include "net/stored.h"
#include "run/applied_health.h"
#include "run/keys.h"
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

/* Names and shapes alone, of a manifest or of a checkpoint. */
static const eg_net *read_manifest(eg_arena *arena, const char *path, eg_error *err)
{
    eg_store store;
    if (eg_manifest_is(path))
        return eg_manifest_read(arena, path, &store, err) ? eg_net_stored(arena, eg_path_name(path), &store)
                                                          : NULL;
    eg_checkpoint *file = eg_checkpoint_open(path, NULL, err);
    const eg_net *net = file ? eg_net_stored(arena, eg_path_name(path), &file->store) : NULL;
    eg_checkpoint_close(file);
    return net;
}

const eg_net *eg_target_read(eg_arena *arena, const eg_target_section *target, eg_problems *problems,
                             eg_error *err)
{
    return target->manifest ? read_manifest(arena, target->manifest, err)
                            : eg_net_read(arena, target->arch, target->args, problems, err);
}

bool eg_target_runs(const eg_recipe *recipe, eg_error *err)
{
    if (!recipe->target.manifest) return true;
    return eg_fail_at(
        err, EG_RECIPE, recipe->target.place,
        "target.manifest is names and shapes without a network: `engraft plan` and `engraft apply` "
        "are what there is; name the network with target.arch to go on");
}

bool eg_transfer_open(eg_transfer *transfer, eg_arena *arena, const eg_run_options *options, eg_error *err)
{
    eg_problems *problems = options->problems;
    const eg_recipe *recipe =
        eg_recipe_read(arena, options->recipe, options->overrides, options->override_count, problems, err);
    if (!recipe) return false;
    transfer->recipe = recipe;
    transfer->net = eg_target_read(arena, &recipe->target, problems, err);
    if (!transfer->net || !open_source(transfer, arena, err)) return false;
    const eg_store *store = transfer->source ? &transfer->source->store : NULL;
    if (transfer->is_manifest) store = &transfer->manifest;
    if (store && !eg_keys_read(arena, &recipe->source, transfer->source, store, &store, problems, err))
        return false;
    transfer->store = store;
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

bool eg_transfer_apply(const eg_transfer *transfer, eg_arena *arena, eg_weights *weights, eg_error *err)
{
    return check_digest(&transfer->recipe->source, err) &&
           eg_weights_init(weights, arena, transfer->net, err) &&
           eg_plan_apply(transfer->plan, transfer->recipe->train.seed, weights, err) &&
           eg_applied_health_check(transfer->plan, weights, err);
}
