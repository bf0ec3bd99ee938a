/* Overrides: `--set train.epochs=1`. */
#ifndef ENGRAFT_RECIPE_OVERRIDE_H
#define ENGRAFT_RECIPE_OVERRIDE_H

#include "recipe/schema.h"

/* The document with the value at the dotted path replaced; items of lists are counted from 0. The value is
 * YAML; an empty one brings the default back. A path that the schema does not know is a problem with the
 * nearest valid one. */
const eg_doc *eg_override_apply(eg_schema *in, const eg_doc *root, const char *text);
/* The document with a path set; for paths that the schema knows. */
const eg_doc *eg_override_set(eg_schema *in, const eg_doc *root, const char *path, const eg_doc *value);

#endif
