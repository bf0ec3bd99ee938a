/* The schema: tables that say which keys a section has. A row drives reading, defaults, ranges, messages, the
 * resolved recipe and the documentation.
 *
 * The type of a row decides what a scalar means: `1e-4`, `.1` and `1_000` are numbers where a number is
 * expected, `no` and `1e3` are texts where a text is. Everything that is wrong becomes a problem; reading
 * goes on. */
#ifndef ENGRAFT_RECIPE_SCHEMA_H
#define ENGRAFT_RECIPE_SCHEMA_H

#include <stdint.h>

#include "engraft/recipe.h"
#include "recipe/scalar.h"

typedef enum eg_type {
    EG_TYPE_INT,         /* int64_t */
    EG_TYPE_NUMBER,      /* double */
    EG_TYPE_BOOL,        /* bool */
    EG_TYPE_STRING,      /* const char * */
    EG_TYPE_PATH,        /* const char *, resolved against the recipe's folder */
    EG_TYPE_WORD,        /* an enum, one of `words` */
    EG_TYPE_STRINGS,     /* const char *const *, and a size_t at `count` */
    EG_TYPE_INTS,        /* const int64_t *, and a size_t at `count` */
    EG_TYPE_PAIR,        /* double[2], ascending */
    EG_TYPE_PATTERN,     /* eg_pattern */
    EG_TYPE_PATTERNS,    /* eg_pattern_list */
    EG_TYPE_SECTION,     /* a mapping with rows of its own, in a struct at `offset` */
    EG_TYPE_OTHER,       /* `read` does it, given the section's struct */
    EG_TYPE_UNSUPPORTED, /* known, refused by name */
} eg_type;

#define EG_NOWHERE SIZE_MAX /* an offset: checked, not stored */

typedef struct eg_word {
    const char *name; /* NULL ends a list */
    int value;        /* EG_WORD_UNSUPPORTED: known, refused by name */
} eg_word;

#define EG_WORD_UNSUPPORTED (-1)

typedef struct eg_schema {
    eg_arena *arena;
    const char *folder; /* relative paths start here, unless they stand in another file */
    eg_problems *problems;
    const struct eg_section *root; /* for "did you mean" across sections */
} eg_schema;

typedef struct eg_field {
    const char *key;
    eg_type type;
    size_t offset;
    const char *standard; /* default as YAML text; NULL: zero. One outside the range means "not given" */
    double low, high;     /* both inclusive; equal: any */
    const char *doc;      /* one line */
    const eg_word *words;
    const struct eg_section *section;
    void (*read)(eg_schema *in, const eg_doc *doc, void *base);
    size_t count;
    unsigned only; /* bits of the kinds (see eg_section.kind) that have this row; 0: all */
    bool required;
    bool optional; /* section: stays absent in the resolved recipe when it is not given */
} eg_field;

typedef struct eg_section {
    const char *name; /* "train.optimizer"; "" for the root */
    const eg_field *fields;
    size_t field_count;
    const char *kind; /* key of the word that decides which rows apply ("name"), or NULL */
    const char *bare; /* key that a plain scalar stands for ("sgd" for {name: sgd}), or NULL */
    bool open;        /* other keys are somebody else's business */
    size_t given;     /* bool; EG_NOWHERE: none */
    size_t place;     /* eg_place; EG_NOWHERE: none */
    void (*check)(eg_schema *in, const eg_doc *doc,
                  void *base); /* across rows; NULL: none. doc NULL: not given */
} eg_section;

/* A row of a later version's key: refused by name. */
#define EG_LATER(name)                                                                                       \
    {                                                                                                        \
        .key = (name), .type = EG_TYPE_UNSUPPORTED                                                           \
    }
#define EG_FIELDS(rows) .fields = (rows), .field_count = sizeof(rows) / sizeof *(rows)

/* Fills *out with the section's defaults and then with what doc says; doc NULL or null: defaults alone. */
void eg_schema_read(eg_schema *in, const eg_section *section, const eg_doc *doc, void *out);
/* The valid dotted path that a person most likely meant ("train.epochs"), or NULL. */
const char *eg_schema_nearest_path(eg_arena *arena, const eg_section *root, const char *path);
/* {key: value}, at the value's place. */
const eg_doc *eg_schema_wrap(eg_arena *arena, const char *key, const eg_doc *value);
/* {bare: scalar} for a scalar in a section that has a short form; doc itself otherwise. */
const eg_doc *eg_schema_expand(eg_arena *arena, const eg_section *section, const eg_doc *doc);

/* One of the field's words; *out stays as it is when doc is none of them, or one that is not supported. */
void eg_schema_word(eg_schema *in, const eg_field *field, const eg_doc *doc, int *out);

/* A path, resolved against the folder of the file that it stands in. */
void eg_schema_path(eg_schema *in, const eg_field *field, const eg_doc *doc, const char **out);
/* A list of texts into the field's offset and count. */
void eg_schema_strings(eg_schema *in, const eg_field *field, const eg_doc *doc, void *base);
/* A problem for each text that stands twice in a list; doc may be NULL. */
void eg_schema_distinct(eg_schema *in, const eg_doc *doc, const char *key);

/* "'epochs' expects a whole number, found 'abc'". */
void eg_schema_expected(eg_schema *in, const eg_doc *doc, const char *key, const char *expected);
/* "'momentum' is not supported by this version". */
void eg_schema_unsupported(eg_schema *in, eg_place place, const char *key);
/* Turns an error into a problem. */
void eg_schema_problem(eg_schema *in, const char *code, eg_place place, const eg_error *err);
/* A text that is not empty; NULL and a problem otherwise. */
const char *eg_schema_text(eg_schema *in, const eg_doc *doc, const char *key);
/* The items of a list, or *doc itself as the only one; none for null. */
size_t eg_schema_items(const eg_doc *const *doc, const eg_doc *const **items);

#endif
