/* The verbs of `transfer.mapping` that have a mapping of their own keys: concat, stack, split, transform,
 * copy, shift.
 */
#ifndef ENGRAFT_RECIPE_VERB_H
#define ENGRAFT_RECIPE_VERB_H

#include "recipe/schema.h"

/* The verb's rows, or NULL when it has another form. */
const eg_section *eg_verb_section(eg_verb verb);

#endif
