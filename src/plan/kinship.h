/* What names say about which tensor of one file is which of the other, once some of them are known. */
#ifndef ENGRAFT_PLAN_KINSHIP_H
#define ENGRAFT_PLAN_KINSHIP_H

#include "base/map.h"
#include "plan/pairing.h"

typedef struct eg_kinship {
    eg_arena *arena;
    eg_map *prefixes, *leaves; /* of the source's names -> position in `words` */
    const char **words;        /* what the target has in their place */
    size_t count, capacity;
    int64_t *met; /* per source tensor: the target tensor that it became, -1: none */
} eg_kinship;

eg_kinship eg_kinship_make(eg_arena *arena, size_t sources);
/* Takes up a pair that is settled. */
void eg_kinship_learn(eg_kinship *k, const eg_pairing *p, size_t source, size_t target);
/* The n-th name that the source's name probably has in the target, best first; NULL: no more. */
const char *eg_kinship_guess(eg_kinship *k, const char *name, size_t n);
/* How well the names go together. */
int eg_kinship_score(eg_kinship *k, const eg_pairing *p, size_t source, size_t target);

/* The length of a name without its last n segments; 0: it has no more than n. */
size_t eg_name_cut(const char *name, size_t n);
/* How many whole segments both names end in, at most all but one of either. */
size_t eg_name_common_tail(const char *a, const char *b);

#endif
