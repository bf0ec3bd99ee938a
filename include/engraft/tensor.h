/* Element types, shapes, and named stores of tensors: a checkpoint's state dict and a network's parameters.
 */
#ifndef ENGRAFT_TENSOR_H
#define ENGRAFT_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engraft/arena.h"
#include "engraft/error.h"

typedef enum eg_dtype {
    EG_F32,
    EG_F64,
    EG_F16,
    EG_BF16,
    EG_I64,
    EG_I32,
    EG_I16,
    EG_I8,
    EG_U64,
    EG_U32,
    EG_U16,
    EG_U8,
    EG_BOOL,
    EG_F8_E4M3,
    EG_F8_E5M2,
    EG_F8_E4M3FNUZ,
    EG_F8_E5M2FNUZ,
    EG_F8_E8M0,
    EG_C64,
    EG_C128,
    EG_QI8,
    EG_QU8,
    EG_QI32,
    EG_DTYPE_COUNT,
} eg_dtype;

/* The safetensors spelling ("F32", "BF16", …; quantised ones are "QI8" "QU8" "QI32"). */
const char *eg_dtype_name(eg_dtype dtype);
/* Bytes of one element. */
size_t eg_dtype_size(eg_dtype dtype);
/* The dtype of that name, or EG_DTYPE_COUNT. */
eg_dtype eg_dtype_find(const char *name);

/* Sizes, outermost first; rank 0 is a scalar. The dims are borrowed. */
typedef struct eg_shape {
    uint32_t rank;
    const int64_t *dims;
} eg_shape;

bool eg_shape_equal(eg_shape a, eg_shape b);
/* The number of elements; false when it does not fit 63 bits. */
bool eg_shape_numel(eg_shape shape, uint64_t *numel);
/* "[64, 3, 7, 7]", in the arena. */
const char *eg_shape_text(eg_arena *arena, eg_shape shape);
eg_shape eg_shape_copy(eg_arena *arena, const int64_t *dims, uint32_t rank);

/* A run of bytes that tensors are views of. Two tensors are tied when they share a storage and an offset. */
typedef struct eg_storage {
    const char *key;      /* its name in the file, for messages */
    const uint8_t *bytes; /* NULL until loaded; little-endian unless `big_endian` */
    uint64_t size;        /* in bytes */
    int fd;               /* file that holds the bytes verbatim, or -1 */
    uint64_t file_offset; /* where they start in it */
    bool big_endian;
    /* Makes `bytes` valid on first use (inflates or verifies a record); NULL: they are. */
    bool (*load)(struct eg_storage *storage, eg_error *err);
    /* Instead of load, by whoever has read all of the bytes from the file: compares their CRC-32 with what
     * the file says. NULL where only load can tell. */
    bool (*check)(const struct eg_storage *storage, uint32_t crc, eg_error *err);
    /* Gives back what load has made, so that load makes it again; NULL: it stays until the end. */
    void (*unload)(struct eg_storage *storage);
    void *context; /* of the three */
} eg_storage;

/* What a quantized tensor's integers stand for: (integer - zero point) * scale, one pair for the whole tensor
 * or one for each index of an axis. */
typedef struct eg_quantization {
    double scale;
    int64_t zero_point;
    const struct eg_entry *scales, *zero_points; /* along the axis; NULL: the two above */
    uint32_t axis;
} eg_quantization;

/* A named tensor in a store: a strided view of a storage. */
typedef struct eg_entry {
    const char *name;
    eg_dtype dtype;
    eg_shape shape;
    const int64_t *strides; /* in elements, >= 0; NULL: contiguous, row-major */
    eg_storage *storage;
    uint64_t offset;                     /* in bytes, into the storage */
    const eg_quantization *quantization; /* of QI8, QU8 and QI32; NULL where it is not known */
} eg_entry;

/* An ordered state dict. It owns nothing: names, shapes and storages live in the arena or mapping of whoever
 * made it. */
typedef struct eg_store {
    const eg_entry *entries;
    size_t count;
    const struct eg_map *index; /* name -> position, or NULL when there is none */
} eg_store;

/* Borrowed, or NULL. */
const eg_entry *eg_store_find(const eg_store *store, const char *name);
/* An index over the entries, which must have distinct names. */
void eg_store_index(eg_store *store, eg_arena *arena);
/* Writes the tensor's elements to out, contiguous, row-major, little-endian, in its own dtype:
 * numel * eg_dtype_size(dtype) bytes. Fails when the storage cannot be loaded. */
bool eg_entry_read(const eg_entry *entry, void *out, eg_error *err);
/* The same, converted to float (F64, F16, BF16, integers and BOOL, quantized ones by what they stand for;
 * others fail). */
bool eg_entry_read_f32(const eg_entry *entry, float *out, eg_error *err);
/* A storage and an entry over bytes in memory, contiguous; bytes must outlive them. */
eg_entry eg_entry_in_memory(eg_arena *arena, const char *name, eg_dtype dtype, eg_shape shape,
                            const void *bytes);

#endif
