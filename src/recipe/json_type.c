#include "recipe/json_type.h"

#include <string.h>

/* {"type": …}; several are separated by spaces. */
eg_json *eg_json_typed(const char *types)
{
    eg_json *json = eg_json_object(), *list = eg_json_array();
    while (*types) {
        char word[16] = "";
        size_t length = strcspn(types, " ");
        memcpy(word, types, length);
        eg_json_string(list, NULL, word);
        types += length + (types[length] == ' ');
    }
    eg_json_add(json, "type", list);
    return json;
}

eg_json *eg_json_any_of(eg_json *const *list, size_t count)
{
    eg_json *json = eg_json_object(), *choices = eg_json_array();
    for (size_t i = 0; i < count; i++) eg_json_add(choices, NULL, list[i]);
    eg_json_add(json, "anyOf", choices);
    return json;
}

eg_json *eg_json_list_of(eg_json *item)
{
    eg_json *json = eg_json_typed("array");
    eg_json_add(json, "items", item);
    return json;
}

eg_json *eg_json_matching(const char *pattern)
{
    eg_json *json = eg_json_typed("string");
    eg_json_string(json, "pattern", pattern);
    return json;
}

/* An object of the named keys alone; takes the values. */
eg_json *eg_json_object_of(const char *const *keys, eg_json *const *values, size_t count, size_t required)
{
    eg_json *json = eg_json_typed("object"), *rows = eg_json_object(), *needed = eg_json_array();
    for (size_t i = 0; i < count; i++) eg_json_add(rows, keys[i], values[i]);
    for (size_t i = 0; i < required; i++) eg_json_string(needed, NULL, keys[i]);
    eg_json_add(json, "properties", rows);
    if (required)
        eg_json_add(json, "required", needed);
    else
        eg_json_free(needed);
    eg_json_bool(json, "additionalProperties", false);
    return json;
}

eg_json *eg_json_reference(const char *definition)
{
    char path[64];
    eg_json *json = eg_json_object();
    snprintf(path, sizeof path, "#/definitions/%s", definition);
    eg_json_string(json, "$ref", path);
    return json;
}
