/* YAML documents as trees whose every node knows its place. The only file that knows yaml.h is yaml.c. */
#ifndef ENGRAFT_FORMAT_YAML_H
#define ENGRAFT_FORMAT_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "engraft/arena.h"
#include "engraft/error.h"
#include "engraft/problem.h"

typedef enum eg_doc_kind { EG_DOC_SCALAR, EG_DOC_LIST, EG_DOC_MAP } eg_doc_kind;

/* A node. Scalars keep their text: what it means is the schema's business ("no" may be a word, 1e-4 a
 * number). */
typedef struct eg_doc {
    eg_doc_kind kind;
    eg_place place;
    const char *text;            /* scalar; "" for an empty one */
    bool plain;                  /* scalar without quotes (only then can it be null, a bool, …) */
    const struct eg_doc **keys;  /* map: scalars; distinct texts */
    const struct eg_doc **items; /* list: items; map: values */
    size_t count;
} eg_doc;

/* Parses one document. Aliases and `<<` merge keys are expanded, within bounds; duplicate keys, other
 * documents, tags and nesting beyond 64 levels are errors. name is used in places. The arena owns the result;
 * NULL and err on errors (a regular expression in double quotes gets the advice to use single ones). */
const eg_doc *eg_doc_parse(eg_arena *arena, const char *name, const char *text, size_t length, eg_error *err);
const eg_doc *eg_doc_read(eg_arena *arena, const char *path, eg_error *err);

/* The value under a key of a map, or NULL. */
const eg_doc *eg_doc_find(const eg_doc *map, const char *key);
/* True for an absent node (NULL), and for a plain empty, `null` or `~`. */
bool eg_doc_is_null(const eg_doc *doc);
/* YAML text that parses to the same tree; in the arena. */
const char *eg_doc_text(eg_arena *arena, const eg_doc *doc);

#endif
