/* JSON output, and reading small JSON texts. The only file that knows jansson is json.c. */
#ifndef ENGRAFT_FORMAT_JSON_H
#define ENGRAFT_FORMAT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engraft/arena.h"
#include "engraft/error.h"

typedef struct json_t eg_json;

eg_json *eg_json_object(void);
eg_json *eg_json_array(void);
void eg_json_free(eg_json *json); /* the whole tree; NULL is fine */

/* Setters of an object's member; for an array key is NULL and they append. Invalid UTF-8 is escaped as \xNN.
 */
void eg_json_string(eg_json *in, const char *key, const char *text); /* NULL: null */
void eg_json_int(eg_json *in, const char *key, int64_t value);
void eg_json_real(eg_json *in, const char *key, double value); /* NaN and infinity: null */
void eg_json_bool(eg_json *in, const char *key, bool value);
void eg_json_null(eg_json *in, const char *key);
/* Adds a tree, which then belongs to `in`. */
void eg_json_add(eg_json *in, const char *key, eg_json *value);

/* Members in the order they were set; indent 0: one line. In the arena, without a final newline. */
const char *eg_json_text(eg_arena *arena, const eg_json *json, int indent);
bool eg_json_print(const eg_json *json, FILE *out, eg_error *err);

/* Parses a text; NULL and err when it is not JSON. Duplicate keys are errors. */
eg_json *eg_json_parse(const char *text, eg_error *err);
const eg_json *eg_json_get(const eg_json *object, const char *key);     /* borrowed, or NULL */
const char *eg_json_get_string(const eg_json *object, const char *key); /* borrowed, or NULL */
/* False when the member is absent or no integer. */
bool eg_json_get_int(const eg_json *object, const char *key, int64_t *value);
bool eg_json_get_bool(const eg_json *object, const char *key, bool *value);
/* An integer by itself. */
bool eg_json_is_int(const eg_json *json, int64_t *value);
const eg_json *eg_json_at(const eg_json *array, size_t at); /* borrowed, or NULL */
bool eg_json_is_object(const eg_json *json);                /* NULL: false */
/* A number as a double; false when there is none under the key. */
bool eg_json_get_real(const eg_json *object, const char *key, double *value);
/* Walks an object's members in the order of the text: *at is NULL before the first. False after the last. */
bool eg_json_next(const eg_json *object, void **at, const char **key, const eg_json **value);
const char *eg_json_string_of(const eg_json *json); /* borrowed, or NULL */
size_t eg_json_count(const eg_json *array);
bool eg_json_real_at(const eg_json *array, size_t at, double *value); /* false: no number */
const char *eg_json_string_at(const eg_json *array, size_t at);       /* borrowed, or NULL */

#endif
