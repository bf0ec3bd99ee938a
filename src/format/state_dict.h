/* Finding the state dict in whatever a person saved: a dict of tensors, a training checkpoint, a list, a
 * whole module.
 *
 * 1. A dict with tensors of its own is the state dict.
 * 2. Otherwise the entries with customary names (state_dict, model, …) that hold tensors are candidates, then
 * any dict that holds some. One: it is taken. Several: SEL-001, unless the caller named one.
 * 3. A module's pickle is walked as Module.state_dict() does: _parameters, _buffers, _modules, in order.
 * 4. Lists give their items' numbers as components of names (weights.0). */
#ifndef ENGRAFT_FORMAT_STATE_DICT_H
#define ENGRAFT_FORMAT_STATE_DICT_H

#include "engraft/checkpoint.h"
#include "format/torch_tensor.h"

/* Lists the names that a Python loader would import; a dangerous one is PKL-013 unless options ask to
 * inspect. */
bool eg_state_dict_references(const eg_pickle *pickle, const eg_checkpoint_options *options, eg_arena *arena,
                              eg_checkpoint *out, eg_error *err);
/* Fills state_dict, store, values and versions of out, and adds warnings. Errors SEL-001 … SEL-003, PKL-010,
 * PKL-011, PKL-013 and those of the tensors. */
bool eg_state_dict_extract(eg_torch *torch, const eg_checkpoint_options *options, eg_checkpoint *out,
                           eg_error *err);

/* Fills the values of out alone: what a pickle without storages holds. */
bool eg_state_dict_list(eg_torch *torch, const eg_checkpoint_options *options, eg_checkpoint *out,
                        eg_error *err);

/* Adds to out->warnings. */
void eg_checkpoint_warn(eg_arena *arena, eg_checkpoint *out, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
