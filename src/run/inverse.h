/* `engraft plan --reverse`: the recipe that undoes a recipe. */
#ifndef ENGRAFT_RUN_INVERSE_H
#define ENGRAFT_RUN_INVERSE_H

#include "run/transfer.h"

/* Writes the inverse recipe to options->out or standard output, and what of each rule can be inverted: as
 * comments before it, or with options->json as JSON. It is planned against the source's names first.
 * EG_REFUSED when nothing comes back. */
bool eg_reverse_tell(const eg_transfer *transfer, eg_arena *arena, const eg_run_options *options,
                     eg_error *err);

#endif
