/* What libhdf5 sees of an HDF5 file, told through a pipe. libhdf5 is large and old and its files come from
 * strangers, so it runs only in a process of its own (keras.c), which has neither files nor much memory and
 * whose every word is checked by the reader at the other end.
 *
 * The reply is a sequence of records in the machine's own byte order, texts as u32 length and bytes:
 *   TENSOR  text name | u8 dtype | u8 big-endian | u32 rank | u64 dims[rank] | u64 offset in the file, or
 *           UINT64_MAX: the elements follow in pieces
 *   PIECE   u32 size | bytes; as many as the tensor needs
 *   VALUE   text name | text type | text rendering; attributes, and data sets that are no numbers
 *   ERROR   text id | text sentence; the last record
 *   END     the last record */
#ifndef ENGRAFT_FORMAT_HDF5_H
#define ENGRAFT_FORMAT_HDF5_H

#include <stdbool.h>
#include <stdint.h>

typedef enum eg_hdf5_record {
    EG_HDF5_TENSOR = 1,
    EG_HDF5_PIECE,
    EG_HDF5_VALUE,
    EG_HDF5_ERROR,
    EG_HDF5_END,
} eg_hdf5_record;

enum {
    EG_HDF5_MAX_RANK = 32,
    EG_HDF5_MAX_NAME = 4096,
    EG_HDF5_MAX_LINKS = 1000 * 1000,
    EG_HDF5_MAX_TEXT = 1 << 16,
};

/* False when the program was built without libhdf5. */
bool eg_hdf5_is_built(void);
/* Writes the records of the file in memory to a descriptor. Errors H5-001 (storage outside the file), H5-002
 * (a data set that declares more than it holds), H5-003 (not understood). */
void eg_hdf5_tell(const uint8_t *bytes, uint64_t size, int out);

#endif
