#include "run/target.h"

#include "base/file.h"
#include "engraft/checkpoint.h"
#include "net/stored.h"
#include "run/manifest.h"

/* What is wrong with the name itself stands in the recipe; what is wrong in the file, there. */
static const eg_net *read_network(eg_arena *arena, const eg_target_section *target, eg_problems *problems,
                                  eg_error *err)
{
    eg_error why = {0};
    size_t before = problems->errors;
    const eg_net *net = eg_net_read(arena, target->arch, target->args, problems, &why);
    if (net) return net;
    if (problems->errors == before && !why.file[0] && why.code == EG_RECIPE)
        eg_problem_add(problems, "unknown_arch", target->arch_place, "%s", why.text);
    if (err && err->code == EG_OK) *err = why;
    return NULL;
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
                            : read_network(arena, target, problems, err);
}

bool eg_target_runs(const eg_recipe *recipe, eg_error *err)
{
    if (!recipe->target.manifest) return true;
    return eg_fail_at(
        err, EG_RECIPE, recipe->target.place,
        "target.manifest is names and shapes without a network: `engraft plan` and `engraft apply` "
        "are what there is; name the network with target.arch to go on");
}
