/* The rows that read themselves (EG_TYPE_OTHER), as JSON Schema: from the verbs' and steps' own rows. */
#ifndef ENGRAFT_RECIPE_FORM_H
#define ENGRAFT_RECIPE_FORM_H

#include "format/json.h"
#include "recipe/schema.h"

/* The caller owns the results. With a section of its own a row is a list of its items, or one of them; a row
 * without a known form is anything. */
eg_json *eg_form_json(const eg_section *section, const eg_field *field);
eg_json *eg_form_pattern(void);
eg_json *eg_form_patterns(void);
/* What the forms refer to, for the root. */
eg_json *eg_form_definitions(void);

#endif
