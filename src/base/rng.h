/* Stateless random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC
 * 2011). A draw is a function of its key and counter alone, so no result depends on threads, order, or where
 * a run resumed. */
#ifndef ENGRAFT_BASE_RNG_H
#define ENGRAFT_BASE_RNG_H

#include <stdint.h>

/* What a draw is for; part of the key, so that no two purposes share numbers. */
typedef enum eg_purpose {
    EG_DRAW_INIT = 1, /* parameters, keyed by tensor name */
    EG_DRAW_SHUFFLE,  /* order of samples, keyed by epoch */
    EG_DRAW_AUGMENT,  /* keyed by epoch and sample */
    EG_DRAW_DROPOUT,  /* keyed by step and node */
    EG_DRAW_SPLIT,    /* dividing a data set */
} eg_purpose;

/* A stream of draws: everything but the position in it. */
typedef struct eg_stream {
    uint32_t key[2];
    uint32_t counter[2];
} eg_stream;

/* The stream of (seed, purpose, a, b): for augmentation a is the epoch and b the sample. */
eg_stream eg_stream_make(uint64_t seed, eg_purpose purpose, uint64_t a, uint64_t b);
/* Draw number `at` of a stream: 32 uniform bits; a double in [0, 1) with 53 bits; one of 0 … n-1; a standard
 * normal. */
uint32_t eg_draw_bits(eg_stream stream, uint64_t at);
double eg_draw_uniform(eg_stream stream, uint64_t at);
uint64_t eg_draw_below(eg_stream stream, uint64_t at, uint64_t n);
double eg_draw_normal(eg_stream stream, uint64_t at);
/* A 64-bit key of a name (FNV-1a), for streams keyed by tensor name. */
uint64_t eg_name_key(const char *name);

#endif
