/* Which tensors of one file make the tensors of another: found by content, never by name, unless several of
 * equal content leave a choice. */
#ifndef ENGRAFT_PLAN_PAIRING_H
#define ENGRAFT_PLAN_PAIRING_H

#include "engraft/tensor.h"

typedef enum eg_link_kind {
    EG_LINK_NONE,   /* nothing in the source explains it */
    EG_LINK_WHOLE,  /* one source tensor, after `ops` */
    EG_LINK_CONCAT, /* several, one after the other along dim */
    EG_LINK_STACK,  /* several, along a new dim */
    EG_LINK_SPLIT,  /* one of the parts that a source tensor is cut into along dim, after `ops` */
    EG_LINK_COUNT,
} eg_link_kind;

/* How one tensor of the target comes about. */
typedef struct eg_link {
    eg_link_kind kind;
    const size_t *parts; /* positions in the source; WHOLE, SPLIT: one */
    size_t count;
    uint32_t dim;
    const size_t *group; /* SPLIT: the target's tensors that the source tensor is cut into, in order */
    size_t group_count;
    const char *ops; /* items of a transform's ops, "{transpose: [0, 1]}"; "": none */
} eg_link;

typedef struct eg_pairing {
    const eg_store *from, *to;
    eg_link *links; /* one per tensor of `to` */
    bool *constant; /* per tensor of `to`: all its elements are equal */
} eg_pairing;

/* Reads every tensor of both, some several times. The stores must be indexed. The arena owns the result. */
bool eg_pairing_build(eg_pairing *pairing, eg_arena *arena, const eg_store *from, const eg_store *to,
                      eg_error *err);

/* ---- shared by the parts of the search ---- */

struct eg_map;
struct eg_content;

/* Source tensors of one key, in lists. */
typedef struct eg_stock {
    struct eg_map *first; /* key -> position */
    int64_t *next;        /* per key of a tensor: the next of its list, -1: none */
} eg_stock;

typedef struct eg_pair_search {
    eg_arena *arena;
    eg_pairing *pairing;
    eg_error *err;
    struct eg_content *source[2]; /* per source tensor: as it is, and as F32 */
    struct eg_content *target;
    const char **key; /* per target tensor: what a source tensor of equal content has, too */
    eg_stock stock;   /* entry 2 * i: source tensor i as it is; 2 * i + 1: as F32 */
    bool *used;       /* per source tensor */
} eg_pair_search;

/* "F32 [2, 3] …" of a view's content, in the arena; NULL and err when it cannot be read. */
const char *eg_pair_key(eg_pair_search *s, const eg_entry *view, eg_dtype dtype);
/* One element, repeated. */
bool eg_pair_constant(eg_pair_search *s, const eg_entry *entry, bool *constant);
/* What turns a tensor of shape a into one of shape b without moving an element, as items of ops. */
const char *eg_pair_reshape(eg_arena *arena, eg_shape a, eg_shape b);
void eg_pair_link(eg_pair_search *s, size_t target, eg_link link);
/* Contents that each file has once. */
bool eg_pair_equals(eg_pair_search *s);
/* One source tensor per target tensor of equal content where there are several: names decide. */
bool eg_pair_choices(eg_pair_search *s);
/* The same source again for targets that are still without one. */
bool eg_pair_copies(eg_pair_search *s);
/* Tensors whose dims stand in another order. */
bool eg_pair_permuted(eg_pair_search *s);
/* Tensors that are put together from several, or cut out of one. */
bool eg_pair_parts(eg_pair_search *s);
/* Constants that go where the other tensors of their module go. */
bool eg_pair_siblings(eg_pair_search *s);

#endif
