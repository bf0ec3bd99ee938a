/* Problems: everything that is wrong with a recipe, an architecture or a plan, reported in one go. */
#ifndef ENGRAFT_PROBLEM_H
#define ENGRAFT_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "engraft/arena.h"
#include "engraft/error.h"

typedef struct eg_problem {
    const char *code;       /* stable, snake_case: "unknown_key", "empty_match", … */
    const char *message;    /* one sentence */
    const char *suggestion; /* lines to paste or what to do; NULL: none */
    eg_place place;         /* file NULL: no place */
    bool warning;           /* told, but refuses nothing */
} eg_problem;

typedef struct eg_problems {
    eg_arena *arena; /* owns the texts; must outlive the list */
    eg_problem *items;
    size_t count, capacity;
    size_t errors; /* items that are not warnings */
} eg_problems;

void eg_problem_add(eg_problems *problems, const char *code, eg_place place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void eg_problem_warn(eg_problems *problems, const char *code, eg_place place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Gives the newest problem a suggestion. */
void eg_problem_suggest(eg_problems *problems, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints each problem with its place, source line, caret and suggestion; colour when asked for. */
void eg_problems_print(const eg_problems *problems, FILE *out, bool colour);
/* True when nothing was an error. Otherwise fills *err with the first error (and how many more there are):
 * the caller prints the list, and uses err for the exit code. */
bool eg_problems_check(const eg_problems *problems, eg_code code, eg_error *err);

#endif
