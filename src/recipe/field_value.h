/* One value of a section, read by its row's type. */
#ifndef ENGRAFT_RECIPE_FIELD_VALUE_H
#define ENGRAFT_RECIPE_FIELD_VALUE_H

#include "recipe/schema.h"

/* Stores what doc says in the section's struct; a problem when it has another form or range. */
void eg_value_read(eg_schema *in, const eg_field *field, const eg_doc *doc, void *base);
/* The row's default as a document: a scalar, or a flow list. */
const eg_doc *eg_value_standard(eg_arena *arena, const eg_field *field);
/* A scalar default outside the range means "not given": it is stored, never checked or shown. */
bool eg_value_is_shown(const eg_field *field, const eg_doc *standard);

#endif
