/* TorchScript archives (torch.jit.save since 1.3): reading.
 *
 *   archive/data.pkl          the module: objects of classes __torch__.a.b.Class with an attribute dict
 *   archive/data/KEY          storages
 *   archive/code/…/b.py       class Class(Module): __parameters__ = ["w", ], __buffers__ = ["m", ]
 *   archive/constants.pkl     tuple of the code's constants, with storages constants/KEY
 *
 * The state dict is what torch.jit.load(…).state_dict() gives: of each module its parameters, its buffers,
 * its submodules, in the order of the attributes. The code is text: only the two lists are looked at. A class
 * without code gives every tensor attribute. Tensors among the constants (a frozen model keeps its weights
 * there) are listed as values CONSTANTS.c0 ….  Source: torch/csrc/jit/serialization. */
#ifndef ENGRAFT_FORMAT_TORCH_SCRIPT_H
#define ENGRAFT_FORMAT_TORCH_SCRIPT_H

#include "format/checkpoint_file.h"

/* Errors ZIP-…, PKL-…, TEN-…, SEL-…. */
bool eg_torch_script_read(eg_checkpoint_file *file, eg_error *err);
/* The archives of 1.0 to 1.2 (model.json): TEN-009. */
bool eg_torch_script_refuse_old(eg_checkpoint_file *file, eg_error *err);

#endif
