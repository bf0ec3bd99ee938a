/* The model card: JSON inside a model file that says everything needed to use it.
 *
 *   {"engraft": version, "arch": name, "architecture": the architecture file's text, "args": "{num_classes:
 * 2}", "input": [height, width, channels], "classes": [names], or [] when unknown, "prefix": before every
 * key, "module.", "preprocess": [{"resize": {"size": 256, "interpolation": "bilinear"}}, …]}      steps as in
 * a recipe */
#ifndef ENGRAFT_RUN_CARD_H
#define ENGRAFT_RUN_CARD_H

#include "engraft/net.h"

typedef struct eg_card {
    const char *arch, *architecture, *args, *prefix;
    const char *const *classes;
    size_t class_count;
    eg_transform_list preprocess;
} eg_card;

/* In the arena. */
const char *eg_card_text(eg_arena *arena, const eg_net *net, const char *const *classes, size_t class_count,
                         eg_transform_list preprocess, const char *prefix);
/* NULL and EG_MALFORMED when the text is no card. The arena owns the result. */
const eg_card *eg_card_parse(eg_arena *arena, const char *text, eg_error *err);

#endif
