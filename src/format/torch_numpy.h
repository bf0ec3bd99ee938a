/* numpy arrays inside torch pickles.
 *
 *   numpy.core.multiarray._reconstruct(ndarray, (0,), b'b')  then BUILD (1, shape, dtype, is_fortran, bytes)
 *   numpy.core.numeric._frombuffer(bytes, dtype, shape, order)   protocol 5
 *   numpy.dtype('f4', …)  then BUILD (3, '<', None, …); with fields or subarrays it is no type of numbers
 *
 * In protocol 2 the bytes are _codecs.encode(text, 'latin1'): each character is one byte. Source:
 * numpy/core/src/multiarray/methods.c, array_reduce. */
#ifndef ENGRAFT_FORMAT_TORCH_NUMPY_H
#define ENGRAFT_FORMAT_TORCH_NUMPY_H

#include "engraft/tensor.h"
#include "format/pickle.h"

/* True for an array of plain numbers. */
bool eg_torch_numpy_is(eg_arena *arena, const eg_pickle *pickle, eg_ref ref);
/* Fills an entry over the bytes in the pickle, or over a copy in the arena. Errors PKL-006, PKL-011, TEN-002,
 * TEN-004, NPY-002. */
bool eg_torch_numpy_place(eg_arena *arena, const eg_pickle *pickle, eg_ref ref, const char *name,
                          eg_entry *entry, eg_error *err);

#endif
