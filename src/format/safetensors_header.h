/* The header of a safetensors file, read strictly: nothing in it can be understood in two ways.
 *
 *   n (le64) | n bytes of JSON | tensor bytes
 *   {"__metadata__": {text: text}, NAME: {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, …}
 *
 * Offsets count from the end of the header. The tensors, sorted by offset, cover the rest of the file
 * exactly: no hole, no overlap, no byte after the last one. Numbers are digits only, keys are distinct at
 * every level (after escapes are resolved), n is at most 100 000 000. Source: safetensors/src/tensor.rs. */
#ifndef ENGRAFT_FORMAT_SAFETENSORS_HEADER_H
#define ENGRAFT_FORMAT_SAFETENSORS_HEADER_H

#include "engraft/tensor.h"

enum { EG_SAFETENSORS_TYPE_COUNT = 22 };

static const uint64_t EG_SAFETENSORS_MAX_HEADER = 100000000;

typedef struct eg_safetensors_type {
    const char *name;
    unsigned bits;
    eg_dtype dtype; /* EG_DTYPE_COUNT: engraft has no such elements */
} eg_safetensors_type;

/* In the order in which tensors of these types lie in a file, first to last. */
extern const eg_safetensors_type eg_safetensors_types[EG_SAFETENSORS_TYPE_COUNT];

typedef struct eg_safetensors_tensor {
    const char *name;
    const eg_safetensors_type *type;
    eg_shape shape;
    uint64_t begin, end; /* bytes from the end of the header */
} eg_safetensors_tensor;

typedef struct eg_safetensors_pair {
    const char *key, *value;
} eg_safetensors_pair;

typedef struct eg_safetensors_header {
    uint64_t size;                        /* of the header with its length: where the tensors' bytes start */
    const eg_safetensors_tensor *tensors; /* in the order of the header */
    size_t count;
    const eg_safetensors_pair *metadata;
    size_t metadata_count;
    const char *unknown; /* the first key of a tensor that the format does not know, or NULL */
    bool blank_first;    /* white space before the JSON */
} eg_safetensors_header;

/* Parses and checks the header of a whole file of that size; only the header's bytes are read. Texts and
 * lists go to the arena. Errors STF-001 … STF-007, TEN-004, TEN-009 (rank above 64), PKL-011 (too many). */
bool eg_safetensors_header_parse(eg_safetensors_header *header, eg_arena *arena, const uint8_t *bytes,
                                 uint64_t size, eg_error *err);

#endif
