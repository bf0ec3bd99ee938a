/* Darknet's network descriptions: what each layer computes, as far as it decides how many weights there are.
 *
 *   [net]             height=, width=, channels= of the input (or inputs=)
 *   [convolutional]   filters=, size=, stride=, pad=, groups=, batch_normalize=, …
 *   [route]           layers=-1, 61
 *   …
 *
 * One section a layer, numbered from 0 behind [net]; spaces mean nothing; '#' and ';' start comments. Layers
 * that hold weights and are not convolutional or connected are refused, as is every section that is not
 * known: the weights behind it could not be placed. Source: darknet, src/parser.c. */
#ifndef ENGRAFT_FORMAT_DARKNET_CFG_H
#define ENGRAFT_FORMAT_DARKNET_CFG_H

#include "engraft/arena.h"
#include "engraft/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum eg_darknet_kind { EG_DARKNET_PLAIN, EG_DARKNET_CONV, EG_DARKNET_LINEAR } eg_darknet_kind;

typedef struct eg_darknet_layer {
    eg_darknet_kind kind; /* PLAIN: no weights */
    int64_t inputs;       /* channels that one filter sees; of LINEAR: all numbers that come in */
    int64_t outputs;      /* filters */
    int64_t size;         /* of a side of a filter */
    bool batch_norm;
    bool flipped;                    /* the weights are stored with the filters innermost */
    int64_t channels, height, width; /* of what comes out */
} eg_darknet_layer;

typedef struct eg_darknet_cfg {
    const eg_darknet_layer *layers;
    size_t count;
} eg_darknet_cfg;

/* Errors have the place in the file. The arena owns the result. */
bool eg_darknet_cfg_parse(eg_darknet_cfg *cfg, eg_arena *arena, const char *name, const char *text,
                          eg_error *err);

#endif
