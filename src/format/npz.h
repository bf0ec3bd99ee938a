/* Archives of numpy arrays: a zip of NAME.npy records, stored (used where they lie) or deflated.
 *
 * Arrays of texts and records stand among the checkpoint's values. Written archives are stored, each array at
 * a multiple of 64 bytes, and numpy.load reads them. The format has no place for ties (each name gets its own
 * array), module versions or the card; of an empty store the end record alone is left. */
#ifndef ENGRAFT_FORMAT_NPZ_H
#define ENGRAFT_FORMAT_NPZ_H

#include "format/checkpoint_file.h"
#include "format/zip_directory.h"

/* True when every record is an array, and there is one. */
bool eg_npz_is(const eg_zip *zip);
/* Errors ZIP-…, NPY-001, NPY-002, TEN-004, TEN-009 for arrays of objects (a warning when options ask to
 * inspect). */
bool eg_npz_read(eg_checkpoint_file *file, eg_error *err);
/* Errors WR-001. */
bool eg_npz_write(const char *path, const eg_store *store, const eg_checkpoint_extra *extra, eg_error *err);

#endif
