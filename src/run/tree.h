/* Tensor names as a tree: "layer1.0.conv1.weight" below layer1, below 0. Numbered siblings of the same make
 * fold into one line. */
#ifndef ENGRAFT_RUN_TREE_H
#define ENGRAFT_RUN_TREE_H

#include "engraft/tensor.h"

/* A line of the table, in order. */
typedef struct eg_tree_line {
    const char *label;     /* indented */
    const eg_entry *entry; /* NULL: a folder */
    size_t position;       /* of the entry in the store */
} eg_tree_line;

/* The lines of a store. fold: numbered siblings whose names, types and shapes are alike become "0…5 ×6". */
const eg_tree_line *eg_tree_lines(eg_arena *arena, const eg_store *store, bool fold, size_t *count);

#endif
