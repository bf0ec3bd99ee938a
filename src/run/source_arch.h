/* Whether a checkpoint is what the recipe says it is of. */
#ifndef ENGRAFT_RUN_SOURCE_ARCH_H
#define ENGRAFT_RUN_SOURCE_ARCH_H

#include "engraft/net.h"

/* Compares the source's shapes, whatever their names, with those of source.arch (with as many classes as
 * source.classes says). A file in which less than half of the network's tensors are found is a problem; so is
 * an architecture that cannot be built. Nothing when the recipe names none. False and err when it cannot be
 * read. */
bool eg_source_arch_check(eg_arena *arena, const eg_recipe *recipe, const eg_store *source,
                          eg_problems *problems, eg_error *err);

#endif
