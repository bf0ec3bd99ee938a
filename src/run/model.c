#include "run/model.h"

#include <string.h>

#include "engraft/checkpoint.h"
#include "format/yaml.h"
#include "run/card.h"

static bool load_tensor(const eg_entry *entry, const eg_param *param, void *out, eg_arena *arena,
                        eg_error *err)
{
    if (!eg_shape_equal(entry->shape, param->shape))
        return eg_fail(err, EG_MALFORMED, "'%s' has shape %s, and the network needs %s", entry->name,
                       eg_shape_text(arena, entry->shape), eg_shape_text(arena, param->shape));
    if (entry->dtype == param->dtype) return eg_entry_read(entry, out, err);
    if (param->dtype == EG_F32) return eg_entry_read_f32(entry, out, err);
    return eg_fail(err, EG_MALFORMED, "'%s' is %s, and the network needs %s", entry->name,
                   eg_dtype_name(entry->dtype), eg_dtype_name(param->dtype));
}

/* Every tensor of the network, and nothing else, must be in the store. */
static bool load(eg_weights *weights, const eg_store *store, const char *prefix, eg_arena *arena,
                 eg_error *err)
{
    const eg_net *net = weights->net;
    for (int32_t p = 0; p < net->param_count; p++) {
        const char *name = eg_arena_printf(arena, "%s%s", prefix, net->params[p].name);
        const eg_entry *entry = eg_store_find(store, name);
        if (!entry) return eg_fail(err, EG_MALFORMED, "the network's tensor '%s' is not in this file", name);
        if (!load_tensor(entry, &net->params[p], weights->data[p], arena, err)) return false;
    }
    if (store->count == (size_t)net->param_count) return true;
    return eg_fail(err, EG_MALFORMED,
                   "this file has %zu tensors, and the network %d: it is another network's", store->count,
                   (int)net->param_count);
}

static bool describe(eg_model *model, eg_arena *arena, const eg_checkpoint *checkpoint, const char **prefix,
                     eg_problems *problems, eg_error *err)
{
    *prefix = "";
    if (!checkpoint->card && model->net) return true;
    if (!checkpoint->card)
        return eg_fail(err, EG_MALFORMED,
                       "there is no model card in this file; expected a model that `engraft run` wrote");
    const eg_card *card = eg_card_parse(arena, checkpoint->card, err);
    const eg_doc *args =
        card ? eg_doc_parse(arena, "the model card's args", card->args, strlen(card->args), err) : NULL;
    if (!args) return false;
    model->net = eg_net_parse(arena, card->arch, card->architecture, args, problems, err);
    model->classes = card->classes;
    model->class_count = card->class_count;
    model->preprocess = card->preprocess;
    *prefix = card->prefix;
    return model->net != NULL;
}

bool eg_model_read(eg_model *model, eg_arena *arena, const char *path, eg_problems *problems, eg_error *err)
{
    const char *prefix;
    eg_checkpoint *checkpoint = eg_checkpoint_open(path, NULL, err);
    if (!checkpoint) return false;
    bool ok = describe(model, arena, checkpoint, &prefix, problems, err) &&
              eg_weights_init(&model->weights, arena, model->net, err) &&
              load(&model->weights, &checkpoint->store, prefix, arena, err);
    eg_checkpoint_close(checkpoint);
    return ok || eg_error_in(err, path);
}

void eg_model_clear(eg_model *model)
{
    eg_weights_clear(&model->weights);
    *model = (eg_model){0};
}
