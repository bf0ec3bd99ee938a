/* PyTorch's module versions (`_metadata`) as a text, for formats that keep texts but no such table:
 * {"": 1, "bn1": 2}. */
#ifndef ENGRAFT_FORMAT_MODULE_VERSIONS_H
#define ENGRAFT_FORMAT_MODULE_VERSIONS_H

#include "engraft/checkpoint.h"

/* In the arena; NULL when there is nothing to keep: every version is 1, what PyTorch takes for granted. */
const char *eg_module_versions_text(eg_arena *arena, const eg_module_version *versions, size_t count);
/* Fills versions of out; false when the text is not one of the above. */
bool eg_module_versions_parse(eg_arena *arena, const char *text, eg_checkpoint *out);

#endif
