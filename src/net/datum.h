/* What an expression of the architecture language can be: data, and things that can be called. */
#ifndef ENGRAFT_NET_DATUM_H
#define ENGRAFT_NET_DATUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engraft/arena.h"

typedef enum eg_datum_kind {
    EG_DATUM_NONE,
    EG_DATUM_BOOL,   /* integer: 0 or 1 */
    EG_DATUM_INT,    /* integer */
    EG_DATUM_REAL,   /* real */
    EG_DATUM_TEXT,   /* text */
    EG_DATUM_LIST,   /* items */
    EG_DATUM_DICT,   /* items: key, value, key, value, … */
    EG_DATUM_HELPER, /* helper: range, len, … */
    EG_DATUM_OP,     /* op: makes a layer, or is applied to values */
    EG_DATUM_ENTRY,  /* integer: 0 `parameter`, 1 `buffer` */
    EG_DATUM_BLOCK,  /* block: a definition */
    EG_DATUM_PART,   /* part: a module of the tree; NULL: an absent child */
    EG_DATUM_VALUE,  /* integer: a value of the graph */
    EG_DATUM_KIND_COUNT,
} eg_datum_kind;

typedef struct eg_datum {
    eg_datum_kind kind;
    size_t count; /* of items */
    union {
        int64_t integer;
        double real;
        const char *text;
        const struct eg_datum *items;
        const struct eg_helper *helper;
        const struct eg_op *op;
        const struct eg_block *block;
        struct eg_part *part;
    };
} eg_datum;

eg_datum eg_datum_int(int64_t integer);
eg_datum eg_datum_bool(bool truth);
eg_datum eg_datum_real(double real);
eg_datum eg_datum_text(const char *text);

/* "the number 3", "the text 'abc'", "a list of 2", for messages; in the arena. */
const char *eg_datum_describe(eg_arena *arena, const eg_datum *datum);
/* As it is written in a YAML flow mapping ("[1, 2.0]", "none", "\"a b\""), and reads back as the same; in the
 * arena. */
const char *eg_datum_write(eg_arena *arena, const eg_datum *datum);
/* As Python's bool(). */
bool eg_datum_truth(const eg_datum *datum);
/* As Python's ==: 1 == 1.0 == true; lists by element; an absent child equals none. `budget` counts down with
 * every comparison; at 0 the rest counts as equal (the evaluator then refuses to go on). */
bool eg_datum_equal(const eg_datum *a, const eg_datum *b, int64_t *budget);
/* Integers and booleans, and reals as well. */
bool eg_datum_is_integer(const eg_datum *datum);
bool eg_datum_is_number(const eg_datum *datum);
/* Two numbers by their exact values, an integer against a real too: negative, 0 or positive. */
int eg_datum_compare(const eg_datum *a, const eg_datum *b);
/* The value of a number. */
double eg_datum_number(const eg_datum *datum);

#endif
