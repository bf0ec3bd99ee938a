/* The keys of a section: which rows they name, and what a person meant who wrote another. */
#ifndef ENGRAFT_RECIPE_KEY_H
#define ENGRAFT_RECIPE_KEY_H

#include "recipe/schema.h"

/* Which kind the section's word names: its bit, or all bits when it names none. */
unsigned eg_section_kind(const eg_section *section, const eg_doc *doc);
/* The row of a key, among those of the kinds; NULL: none. */
const eg_field *eg_section_field(const eg_section *section, unsigned kind, const char *key);
/* " in 'train.optimizer'", "" for the root. */
const char *eg_section_words(eg_arena *arena, const eg_section *section);
/* "optimizer" of "train.optimizer". */
const char *eg_last_segment(const char *path);
/* A problem for every key without a row, and for those that this version refuses. */
void eg_section_check_keys(eg_schema *in, const eg_section *section, const eg_doc *doc);

#endif
