/* The names that stand in PyTorch's pickles, and what engraft knows of them. Tables only. */
#ifndef ENGRAFT_FORMAT_TORCH_GLOBAL_H
#define ENGRAFT_FORMAT_TORCH_GLOBAL_H

#include <stdbool.h>

#include "engraft/tensor.h"

/* The Python 3 module name of a Python 2 one ("__builtin__" is "builtins"), and torch.tensor's today's name.
 * The result is `module` itself or lives in the arena. */
const char *eg_global_modern(eg_arena *arena, const char *module);
/* True for names that are known to execute things. Only for messages: nothing is ever executed here. */
bool eg_global_is_dangerous(const char *module, const char *name);
/* True for what a state dict is made of: tensors, storages, containers, dtypes, numpy scalars. */
bool eg_global_is_plain(const char *module, const char *name);
/* True for functions whose results are neither lists nor dicts (items set on them mean a forged file). */
bool eg_global_has_no_items(const char *module, const char *name);

/* A storage class; `untyped` counts bytes. */
typedef struct eg_storage_class {
    const char *name;
    eg_dtype dtype; /* EG_DTYPE_COUNT: packed below a byte, or not known */
    bool untyped;
} eg_storage_class;

/* By class name ("FloatStorage"), whatever the module, as torch.load; NULL when it is none. */
const eg_storage_class *eg_storage_class_find(const char *name);
/* The class that torch.save uses for a dtype, or NULL when it writes UntypedStorage with an explicit dtype.
 */
const char *eg_storage_class_of(eg_dtype dtype);
/* torch's name of a dtype ("float8_e4m3fn"), and back; NULL and EG_DTYPE_COUNT when there is none. */
const char *eg_torch_dtype_name(eg_dtype dtype);
eg_dtype eg_torch_dtype_find(const char *name);

#endif
