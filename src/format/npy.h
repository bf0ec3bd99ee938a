/* The header of a numpy array, read and written, and single arrays as checkpoints.
 *
 *   93 "NUMPY" | major, minor (u8) | length (le16; le32 from version 2) | text | elements
 *   {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  padded with spaces, a newline at the end
 *
 * The text is a literal of Python; only this dict of three keys is understood, and nothing is evaluated.
 * Elements are plain numbers; an object array is a pickle and is refused. `|V2`, as JAX's bfloat16 is
 * written, is read as BF16. Source: numpy/lib/format.py. */
#ifndef ENGRAFT_FORMAT_NPY_H
#define ENGRAFT_FORMAT_NPY_H

#include "format/checkpoint_file.h"

enum { EG_NPY_LONGEST = 12 + 10000 }; /* bytes of the longest header that numpy itself accepts */

typedef struct eg_npy {
    uint64_t size;     /* of the header: where the elements start */
    uint64_t bytes;    /* of the elements */
    const char *descr; /* numpy's name of the element type; "structured" for a list of fields */
    eg_dtype dtype;    /* EG_DTYPE_COUNT: engraft has no such elements, and bytes is 0 */
    eg_shape shape;
    const int64_t *strides; /* NULL: row-major */
    bool big_endian;
} eg_npy;

/* The element type of numpy's name for it ("<f4"), or EG_DTYPE_COUNT. */
eg_dtype eg_npy_dtype(const char *descr);
/* Parses the header at the start of bytes. name: of the array, for messages. Errors NPY-001, TEN-004, TEN-009
 * (rank above 64). */
bool eg_npy_parse(eg_npy *npy, eg_arena *arena, const char *name, const uint8_t *bytes, uint64_t size,
                  eg_error *err);
/* TEN-009 for an array whose elements engraft cannot hold. */
bool eg_npy_unsupported(const eg_npy *npy, const char *name, eg_error *err);
/* A header of a multiple of 64 bytes for a row-major array, in the arena; NULL when numpy has no such type.
 */
const char *eg_npy_header(eg_arena *arena, eg_dtype dtype, eg_shape shape, size_t *size);

/* A file of one array, which is called arr_0 as in numpy.savez. Errors also NPY-002. */
bool eg_npy_read(eg_checkpoint_file *file, eg_error *err);

#endif
