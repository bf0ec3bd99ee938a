#include "run/card.h"

#include <string.h>

#include "format/json.h"

/* ---- transforms: one row a field ---- */

typedef enum field_kind {
    FIELD_SIZE,
    FIELD_NUMBER,
    FIELD_PAIR,
    FIELD_CHANNELS,
    FIELD_INTERPOLATION
} field_kind;

typedef struct slot {
    eg_transform_kind of;
    const char *key;
    field_kind kind;
    size_t offset; /* in eg_transform; FIELD_SIZE: height and width */
} slot;

#define AT(member) offsetof(eg_transform, member)

static const slot fields[] = {
    {EG_TRANSFORM_RESIZE, "size", FIELD_SIZE, 0},
    {EG_TRANSFORM_RESIZE, "interpolation", FIELD_INTERPOLATION, AT(interpolation)},
    {EG_TRANSFORM_CENTER_CROP, "size", FIELD_SIZE, 0},
    {EG_TRANSFORM_RANDOM_RESIZED_CROP, "size", FIELD_SIZE, 0},
    {EG_TRANSFORM_RANDOM_RESIZED_CROP, "scale", FIELD_PAIR, AT(scale)},
    {EG_TRANSFORM_RANDOM_RESIZED_CROP, "ratio", FIELD_PAIR, AT(ratio)},
    {EG_TRANSFORM_RANDOM_RESIZED_CROP, "interpolation", FIELD_INTERPOLATION, AT(interpolation)},
    {EG_TRANSFORM_HORIZONTAL_FLIP, "p", FIELD_NUMBER, AT(p)},
    {EG_TRANSFORM_NORMALIZE, "mean", FIELD_CHANNELS, AT(mean)},
    {EG_TRANSFORM_NORMALIZE, "std", FIELD_CHANNELS, AT(std)},
};

static const char *const interpolations[EG_INTERPOLATION_COUNT] = {
    [EG_NEAREST] = "nearest",
    [EG_BILINEAR] = "bilinear",
    [EG_BICUBIC] = "bicubic",
};

/* ---- writing ---- */

static void add_reals(eg_json *in, const char *key, const double *values, int count)
{
    eg_json *list = eg_json_array();
    for (int i = 0; i < count; i++) eg_json_real(list, NULL, values[i]);
    eg_json_add(in, key, list);
}

/* A width of 0 means the shorter side. */
static void add_size(eg_json *in, const char *key, const eg_transform *transform)
{
    if (transform->width == 0) {
        eg_json_int(in, key, transform->height);
        return;
    }
    eg_json *list = eg_json_array();
    eg_json_int(list, NULL, transform->height);
    eg_json_int(list, NULL, transform->width);
    eg_json_add(in, key, list);
}

static void add_field(eg_json *in, const slot *field, const eg_transform *transform)
{
    const char *base = (const char *)transform + field->offset;
    switch (field->kind) {
    case FIELD_SIZE: add_size(in, field->key, transform); break;
    case FIELD_NUMBER: eg_json_real(in, field->key, *(const double *)base); break;
    case FIELD_PAIR: add_reals(in, field->key, (const double *)base, 2); break;
    case FIELD_CHANNELS: add_reals(in, field->key, (const double *)base, transform->channels); break;
    case FIELD_INTERPOLATION: eg_json_string(in, field->key, interpolations[transform->interpolation]); break;
    }
}

static eg_json *transform_json(const eg_transform *transform)
{
    eg_json *item = eg_json_object(), *values = eg_json_object();
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].of == transform->kind) add_field(values, &fields[i], transform);
    eg_json_add(item, eg_transform_name(transform->kind), values);
    return item;
}

const char *eg_card_text(eg_arena *arena, const eg_net *net, const char *const *classes, size_t class_count,
                         eg_transform_list preprocess, const char *prefix)
{
    eg_json *card = eg_json_object(), *input = eg_json_array(), *names = eg_json_array(),
            *steps = eg_json_array();
    eg_json_string(card, "engraft", ENGRAFT_VERSION);
    eg_json_string(card, "arch", net->arch);
    eg_json_string(card, "architecture", net->text);
    eg_json_string(card, "args", net->args);
    for (uint32_t i = 0; i < net->values[0].rank; i++) eg_json_int(input, NULL, net->values[0].dims[i]);
    for (size_t i = 0; i < class_count; i++) eg_json_string(names, NULL, classes[i]);
    for (size_t i = 0; i < preprocess.count; i++)
        eg_json_add(steps, NULL, transform_json(&preprocess.items[i]));
    eg_json_add(card, "input", input);
    eg_json_add(card, "classes", names);
    eg_json_string(card, "prefix", prefix);
    eg_json_add(card, "preprocess", steps);
    const char *text = eg_json_text(arena, card, 1);
    eg_json_free(card);
    return text;
}

/* ---- reading ---- */

static bool get_reals(const eg_json *list, double *values, int most, int *count)
{
    size_t given = eg_json_count(list);
    if (given == 0 || given > (size_t)most) return false;
    for (size_t i = 0; i < given; i++)
        if (!eg_json_number(eg_json_at(list, i), &values[i])) return false;
    *count = (int)given;
    return true;
}

static bool get_size(const eg_json *json, eg_transform *transform)
{
    enum { LARGEST = 1 << 16 };
    double sides[2] = {0, 0};
    int count = 1;
    if (!eg_json_number(json, &sides[0]) && (!get_reals(json, sides, 2, &count) || count != 2)) return false;
    if (!(sides[0] >= 1 && sides[0] <= LARGEST) || !(sides[1] >= (count == 2) && sides[1] <= LARGEST))
        return false;
    transform->height = (int)sides[0];
    transform->width = (int)sides[1];
    return true;
}

static bool get_interpolation(const char *name, eg_interpolation *interpolation)
{
    for (int i = 0; name && i < EG_INTERPOLATION_COUNT; i++) {
        if (strcmp(name, interpolations[i]) != 0) continue;
        *interpolation = (eg_interpolation)i;
        return true;
    }
    return false;
}

static bool get_field(const eg_json *values, const slot *field, eg_transform *transform)
{
    char *base = (char *)transform + field->offset;
    const eg_json *json = eg_json_get(values, field->key);
    int count = 0;
    switch (field->kind) {
    case FIELD_SIZE: return get_size(json, transform);
    case FIELD_NUMBER: return eg_json_number(json, (double *)base);
    case FIELD_PAIR: return get_reals(json, (double *)base, 2, &count) && count == 2;
    case FIELD_CHANNELS: return get_reals(json, (double *)base, 4, &transform->channels);
    case FIELD_INTERPOLATION:
        return get_interpolation(eg_json_get_string(values, field->key), (eg_interpolation *)base);
    }
    return false;
}

static bool get_transform(const eg_json *item, eg_transform *transform)
{
    for (int kind = 0; kind < EG_TRANSFORM_COUNT; kind++) {
        const eg_json *values = eg_json_get(item, eg_transform_name((eg_transform_kind)kind));
        if (!values) continue;
        *transform = (eg_transform){.kind = (eg_transform_kind)kind};
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
            if (fields[i].of == transform->kind && !get_field(values, &fields[i], transform)) return false;
        return true;
    }
    return false;
}

static bool get_preprocess(eg_arena *arena, const eg_json *list, eg_transform_list *out)
{
    size_t count = eg_json_count(list);
    eg_transform *items = EG_NEW_ARRAY(arena, eg_transform, count);
    for (size_t i = 0; i < count; i++)
        if (!get_transform(eg_json_at(list, i), &items[i])) return false;
    *out = (eg_transform_list){.items = items, .count = count};
    return true;
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

static bool get_card(eg_arena *arena, const eg_json *json, eg_card *card)
{
    card->arch = get_text(arena, json, "arch");
    card->architecture = get_text(arena, json, "architecture");
    card->args = get_text(arena, json, "args");
    card->prefix = get_text(arena, json, "prefix");
    return card->arch && card->architecture && card->args && card->prefix &&
           get_classes(arena, eg_json_get(json, "classes"), card) &&
           get_preprocess(arena, eg_json_get(json, "preprocess"), &card->preprocess);
}

const eg_card *eg_card_parse(eg_arena *arena, const char *text, eg_error *err)
{
    eg_card *card = EG_NEW(arena, eg_card);
    eg_json *json = eg_json_parse(text, err);
    if (!json) return NULL;
    bool ok = get_card(arena, json, card);
    eg_json_free(json);
    if (ok) return card;
    eg_fail(err, EG_MALFORMED,
            "the model card in this file is incomplete; expected arch, architecture, args, classes, "
            "prefix and preprocess as engraft writes them");
    return NULL;
}
