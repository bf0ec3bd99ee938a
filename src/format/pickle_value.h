/* Reading the tree of a pickle: which Python value a node stands for. Nothing here fails: a node that is not
 * what was asked for gives false or NULL. */
#ifndef ENGRAFT_FORMAT_PICKLE_VALUE_H
#define ENGRAFT_FORMAT_PICKLE_VALUE_H

#include "format/pickle.h"

typedef struct eg_py_pair {
    const char
        *key;  /* as a path component: text as it is, numbers in decimal, others as Python prints them */
    bool text; /* the key is a str */
    eg_ref value;
} eg_py_pair;

/* A str (or Python 2 bytes) as a terminated text, control characters escaped; NULL when it is neither. */
const char *eg_py_text(eg_arena *arena, const eg_pickle *pickle, eg_ref ref);
bool eg_py_is_text(const eg_pickle *pickle, eg_ref ref, const char *text);
bool eg_py_int(const eg_pickle *pickle, eg_ref ref, int64_t *value);
bool eg_py_is_global(const eg_pickle *pickle, eg_ref ref, const char *module, const char *name);
bool eg_py_is_none(const eg_pickle *pickle, eg_ref ref);

/* The class or function that made a CALL or OBJECT (seen through copyreg's helpers), or NULL. */
const eg_py_node *eg_py_maker(const eg_pickle *pickle, eg_ref ref);
/* True when `module.name` made the node. */
bool eg_py_made_by(const eg_pickle *pickle, eg_ref ref, const char *module, const char *name);
/* Items of a tuple, a list, a set or a torch.Size. */
bool eg_py_items(const eg_pickle *pickle, eg_ref ref, const eg_ref **items, uint32_t *count);
/* Pairs of a dict, OrderedDict, defaultdict, Counter, Namespace, or any dict subclass, in insertion order; a
 * repeated key keeps its first place and its last value, as in Python. */
bool eg_py_pairs(eg_arena *arena, const eg_pickle *pickle, eg_ref ref, const eg_py_pair **pairs,
                 uint32_t *count);
/* The value under a str key of such a dict, or 0. */
eg_ref eg_py_get(const eg_pickle *pickle, eg_ref dict, const char *key);
/* The attributes of an object: the dict of its state (also of a (dict, slots) pair), or 0. */
eg_ref eg_py_attributes(const eg_pickle *pickle, eg_ref ref);

/* "int", "dict", "collections.OrderedDict", "torch.optim.adam.Adam". */
const char *eg_py_type(eg_arena *arena, const eg_pickle *pickle, eg_ref ref);
/* A short rendering: the value of a scalar, the size of a container. */
const char *eg_py_short(eg_arena *arena, const eg_pickle *pickle, eg_ref ref);

#endif
