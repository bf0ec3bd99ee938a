#include "run/card.h"

#include <string.h>

#include "format/json.h"
#include "recipe/sections.h"
#include "recipe/transform.h"

/* ---- writing ---- */

static const char *const interpolations[EG_INTERPOLATION_COUNT] = {
    [EG_NEAREST] = "nearest",
    [EG_BILINEAR] = "bilinear",
    [EG_BICUBIC] = "bicubic",
};

/* A width of 0 means the shorter side. */
static void add_size(eg_json *in, const eg_transform *transform)
{
    if (transform->width == 0) {
        eg_json_int(in, "size", transform->height);
        return;
    }
    eg_json *list = eg_json_array();
    eg_json_int(list, NULL, transform->height);
    eg_json_int(list, NULL, transform->width);
    eg_json_add(in, "size", list);
}

static void add_channels(eg_json *in, const char *key, const double *values, int count)
{
    eg_json *list = eg_json_array();
    for (int i = 0; i < count; i++) eg_json_real(list, NULL, values[i]);
    eg_json_add(in, key, list);
}

static void add_resize(eg_json *in, const eg_transform *transform)
{
    add_size(in, transform);
    eg_json_string(in, "interpolation", interpolations[transform->interpolation]);
}

static void add_normalize(eg_json *in, const eg_transform *transform)
{
    add_channels(in, "mean", transform->mean, transform->channels);
    add_channels(in, "std", transform->std, transform->channels);
}

/* Steps without chance: all that preprocess may hold. */
static void (*const writers[EG_TRANSFORM_COUNT])(eg_json *, const eg_transform *) = {
    [EG_TRANSFORM_RESIZE] = add_resize,
    [EG_TRANSFORM_CENTER_CROP] = add_size,
    [EG_TRANSFORM_NORMALIZE] = add_normalize,
};

static eg_json *preprocess_json(eg_transform_list list)
{
    eg_json *json = eg_json_array();
    for (size_t i = 0; i < list.count; i++) {
        const eg_transform *transform = &list.items[i];
        eg_json *step = eg_json_object(), *parameters = eg_json_object();
        writers[transform->kind](parameters, transform);
        eg_json_add(step, eg_transform_name(transform->kind), parameters);
        eg_json_add(json, NULL, step);
    }
    return json;
}

const char *eg_card_text(eg_arena *arena, const eg_net *net, const char *const *classes, size_t class_count,
                         eg_transform_list preprocess, const char *prefix)
{
    eg_json *card = eg_json_object(), *input = eg_json_array(), *names = eg_json_array();
    eg_json_string(card, "engraft", ENGRAFT_VERSION);
    eg_json_string(card, "arch", net->arch);
    eg_json_string(card, "architecture", net->text);
    eg_json_string(card, "args", net->args);
    for (uint32_t i = 0; i < net->values[0].rank; i++) eg_json_int(input, NULL, net->values[0].dims[i]);
    for (size_t i = 0; i < class_count; i++) eg_json_string(names, NULL, classes[i]);
    eg_json_add(card, "input", input);
    eg_json_add(card, "classes", names);
    eg_json_string(card, "prefix", prefix);
    eg_json_add(card, "preprocess", preprocess_json(preprocess));
    const char *text = eg_json_text(arena, card, 1);
    eg_json_free(card);
    return text;
}

/* ---- reading ---- */

/* JSON is YAML, and the steps are a recipe's. */
static bool get_preprocess(eg_arena *arena, const eg_json *json, eg_transform_list *out, eg_error *err)
{
    if (!json) return false;
    const char *text = eg_json_text(arena, json, 0);
    const eg_doc *doc = eg_doc_parse(arena, "preprocess of the model card", text, strlen(text), err);
    if (!doc) return false;
    eg_problems problems = {.arena = arena};
    eg_schema schema = {.arena = arena, .folder = ".", .problems = &problems, .root = &eg_recipe_schema};
    eg_preprocess_read(&schema, doc, out);
    return eg_problems_check(&problems, EG_MALFORMED, err);
}

static bool get_classes(eg_arena *arena, const eg_json *list, eg_card *card)
{
    card->class_count = eg_json_count(list);
    const char **names = EG_NEW_ARRAY(arena, const char *, card->class_count);
    for (size_t i = 0; i < card->class_count; i++) {
        const char *name = eg_json_string_at(list, i);
        if (!name) return false;
        names[i] = eg_arena_string(arena, name);
    }
    card->classes = names;
    return true;
}

static const char *get_text(eg_arena *arena, const eg_json *json, const char *key)
{
    const char *text = eg_json_get_string(json, key);
    return text ? eg_arena_string(arena, text) : NULL;
}

static bool get_card(eg_arena *arena, const eg_json *json, eg_card *card, eg_error *err)
{
    card->arch = get_text(arena, json, "arch");
    card->architecture = get_text(arena, json, "architecture");
    card->args = get_text(arena, json, "args");
    card->prefix = get_text(arena, json, "prefix");
    return card->arch && card->architecture && card->args && card->prefix &&
           get_classes(arena, eg_json_get(json, "classes"), card) &&
           get_preprocess(arena, eg_json_get(json, "preprocess"), &card->preprocess, err);
}

const eg_card *eg_card_parse(eg_arena *arena, const char *text, eg_error *err)
{
    eg_card *card = EG_NEW(arena, eg_card);
    eg_json *json = eg_json_parse(text, err);
    if (!json) return NULL;
    bool ok = get_card(arena, json, card, err);
    eg_json_free(json);
    if (ok) return card;
    eg_fail(
        err, EG_MALFORMED,
        "the model card in this file is incomplete; expected arch, architecture, args, classes, prefix and "
        "preprocess as engraft writes them");
    return NULL;
}
