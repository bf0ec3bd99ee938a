/* `transfer.mapping`: an ordered list of rules, each with exactly one verb. */
#ifndef ENGRAFT_RECIPE_MAPPING_H
#define ENGRAFT_RECIPE_MAPPING_H

#include "recipe/schema.h"

void eg_mapping_read(eg_schema *in, const eg_doc *doc, const eg_rule **rules, size_t *count);

#endif
