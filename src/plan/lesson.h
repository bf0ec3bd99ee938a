/* Mapping rules learned from examples: names as they are and as they should be, and the few rules that lead
 * from one to the other. Every rule is tried on all names before it is taken. */
#ifndef ENGRAFT_PLAN_LESSON_H
#define ENGRAFT_PLAN_LESSON_H

#include "base/str.h"
#include "engraft/arena.h"

typedef struct eg_lesson {
    eg_arena *arena;
    const char **now, **want; /* one to one */
    size_t count, capacity;
    eg_buf lines; /* items of transfer.mapping, indented by four */
    size_t rules;
} eg_lesson;

void eg_lesson_add(eg_lesson *lesson, const char *now, const char *want);
/* A rule's line (or lines) is added: "- drop: …" without indentation. */
void eg_lesson_rule(eg_lesson *lesson, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* strip_prefix for what all names begin with and should not. */
void eg_learn_strip(eg_lesson *lesson);
/* What all names should begin with and do not: taken from `want`, for a last add_prefix; "" for none. */
const char *eg_learn_prefix(eg_lesson *lesson);
/* shift, where numbers in one place differ by the same amount. */
void eg_learn_shifts(eg_lesson *lesson);
/* Renames that follow each other, each of which brings many names nearer: modules, then what is in them. What
 * no such rule is worth is left to eg_learn_renames. */
void eg_learn_steps(eg_lesson *lesson);
/* One simultaneous rename of what is left: afterwards every name is as it should be. plain: each name by
 * itself. */
void eg_learn_renames(eg_lesson *lesson, bool plain);
/* Tensors that become one, or one that becomes several. */
typedef struct eg_record {
    const char *const *ins; /* names now; several: in the order of the parts */
    size_t in_count;
    const char *const *outs; /* names wanted */
    size_t out_count;
    const bool *inner;  /* per out: another record takes it in; NULL: none */
    const char *verb;   /* concat stack split copy */
    const char *detail; /* "dim: 0", "" */
    bool unsqueeze;     /* parts to be stacked that carry no numbers */
    long long dim;
} eg_record;

/* Rules for the records, in order, in as few as there can be. The lesson holds the names that they must leave
 * alone; the outs that are not inner join it, as names that are as they should be. */
void eg_learn_records(eg_lesson *lesson, const eg_record *records, size_t count);

#endif
