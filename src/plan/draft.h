/* A pattern and the template that goes with it, grown piece by piece from names. */
#ifndef ENGRAFT_PLAN_DRAFT_H
#define ENGRAFT_PLAN_DRAFT_H

#include <stdbool.h>

#include "base/regex.h"

/* In `to`, EG_DRAFT_MARK and an id stand for the group of that id. */
#define EG_DRAFT_MARK '\1'
/* Between several templates in `to`; a number becomes a group when all of them have it. */
#define EG_DRAFT_NEXT '\2'

typedef struct eg_draft {
    eg_arena *arena;
    eg_buf pattern;
    char *to;             /* NULL: there is no template */
    unsigned groups;      /* in the pattern so far */
    unsigned numbers[64]; /* per id - '0': its group */
    char next;            /* id of the next captured number */
} eg_draft;

/* `to` may hold marks for the ids 'A' … ; it is copied. */
eg_draft eg_draft_make(eg_arena *arena, const char *to);
/* A name's text; with numbers true each number that `to` has, too, becomes a group. */
void eg_draft_text(eg_draft *draft, const char *text, size_t length, bool numbers);
/* The same where every number may be any other. */
void eg_draft_any_number(eg_draft *draft, const char *text, size_t length);
/* "(inner)", which the id stands for. Its number. */
unsigned eg_draft_group(eg_draft *draft, char id, const char *inner);
/* The texts, in the arena; the buffer is freed. */
const char *eg_draft_pattern(eg_draft *draft);
const char *eg_draft_template(eg_draft *draft);
/* 'text' as a YAML scalar in single quotes. */
const char *eg_quoted(eg_arena *arena, const char *text);

#endif
