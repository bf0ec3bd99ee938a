#include "format/json.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

eg_json *eg_json_object(void)
{
    return json_object();
}

eg_json *eg_json_array(void)
{
    return json_array();
}

void eg_json_free(eg_json *json)
{
    json_decref(json);
}

void eg_json_add(eg_json *in, const char *key, eg_json *value)
{
    if (key)
        json_object_set_new_nocheck(in, key, value);
    else
        json_array_append_new(in, value);
}

void eg_json_string(eg_json *in, const char *key, const char *text)
{
    eg_arena arena = {0};
    if (text && !eg_is_utf8(text, strlen(text))) text = eg_printable(&arena, text, strlen(text));
    eg_json_add(in, key, text ? json_string(text) : json_null());
    eg_arena_clear(&arena);
}

void eg_json_int(eg_json *in, const char *key, int64_t value)
{
    eg_json_add(in, key, json_integer(value));
}

void eg_json_real(eg_json *in, const char *key, double value)
{
    eg_json_add(in, key, isfinite(value) ? json_real(value) : json_null());
}

void eg_json_bool(eg_json *in, const char *key, bool value)
{
    eg_json_add(in, key, json_boolean(value));
}

void eg_json_null(eg_json *in, const char *key)
{
    eg_json_add(in, key, json_null());
}

static size_t flags(int indent)
{
    return JSON_ENCODE_ANY | JSON_REAL_PRECISION(9) | (indent ? JSON_INDENT((size_t)indent) : 0);
}

const char *eg_json_text(eg_arena *arena, const eg_json *json, int indent)
{
    char *text = json_dumps(json, flags(indent));
    const char *copy = eg_arena_string(arena, text ? text : "");
    free(text);
    return copy;
}

bool eg_json_print(const eg_json *json, FILE *out, eg_error *err)
{
    if (json_dumpf(json, out, flags(2)) == 0 && fputc('\n', out) != EOF && fflush(out) == 0) return true;
    return eg_fail(err, EG_SYSTEM, "cannot write the JSON document");
}

eg_json *eg_json_parse(const char *text, eg_error *err)
{
    json_error_t why;
    eg_json *json = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (!json)
        eg_fail(err, EG_MALFORMED, "not JSON: %s at line %d column %d", why.text, why.line, why.column);
    return json;
}

const eg_json *eg_json_get(const eg_json *object, const char *key)
{
    return json_object_get(object, key);
}

const char *eg_json_get_string(const eg_json *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

bool eg_json_is_object(const eg_json *json)
{
    return json_is_object(json);
}

bool eg_json_get_real(const eg_json *object, const char *key, double *value)
{
    const json_t *number = json_object_get(object, key);
    if (!json_is_number(number)) return false;
    *value = json_number_value(number);
    return true;
}

bool eg_json_next(const eg_json *object, void **at, const char **key, const eg_json **value)
{
    json_t *walked = (json_t *)object; /* jansson's iterators take no const object; it is only read */
    *at = *at ? json_object_iter_next(walked, *at) : json_object_iter(walked);
    if (!*at) return false;
    *key = json_object_iter_key(*at);
    *value = json_object_iter_value(*at);
    return true;
}

const char *eg_json_string_of(const eg_json *json)
{
    return json_string_value(json);
}

size_t eg_json_count(const eg_json *array)
{
    return json_array_size(array);
}

bool eg_json_real_at(const eg_json *array, size_t at, double *value)
{
    const json_t *item = json_array_get(array, at);
    if (!json_is_number(item)) return false;
    *value = json_number_value(item);
    return true;
}

const char *eg_json_string_at(const eg_json *array, size_t at)
{
    return json_string_value(json_array_get(array, at));
}

const eg_json *eg_json_at(const eg_json *array, size_t at)
{
    return json_array_get(array, at);
}

bool eg_json_is_int(const eg_json *json, int64_t *value)
{
    if (!json_is_integer(json)) return false;
    *value = json_integer_value(json);
    return true;
}

bool eg_json_get_int(const eg_json *object, const char *key, int64_t *value)
{
    return eg_json_is_int(json_object_get(object, key), value);
}

bool eg_json_get_bool(const eg_json *object, const char *key, bool *value)
{
    const json_t *member = json_object_get(object, key);
    if (!json_is_boolean(member)) return false;
    *value = json_is_true(member);
    return true;
}
