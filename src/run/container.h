/* A file with several state dicts: which of them the recipe means. */
#ifndef ENGRAFT_RUN_CONTAINER_H
#define ENGRAFT_RUN_CONTAINER_H

#include "engraft/plan.h"

/* Plans with each state dict of the source's file, and adds a problem that names the one in which most target
 * tensors meet, with the line to paste; `taken` is the one that was used, or NULL. why: the sentence to begin
 * with where none could be chosen (SEL-001), or NULL: then nothing is added unless another fits better. True
 * when one was added. */
bool eg_container_diagnose(eg_arena *arena, const eg_recipe *recipe, const eg_net *net, const char *taken,
                           const char *why, eg_problems *problems);

#endif
