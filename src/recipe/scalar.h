/* Scalars by their meaning: the type that is expected decides what a text is. */
#ifndef ENGRAFT_RECIPE_SCALAR_H
#define ENGRAFT_RECIPE_SCALAR_H

#include <stdint.h>

#include "format/yaml.h"

/* False when the text has another form. */
bool eg_scalar_number(const eg_doc *doc, double *out);
bool eg_scalar_int(const eg_doc *doc, int64_t *out);
bool eg_scalar_bool(const eg_doc *doc, bool *out);

#endif
