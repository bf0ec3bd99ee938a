/* Rows of floats that are computed once: in memory, or in a file that later runs find again.
 *
 * A file is named KEY.features and holds, in the machine's byte order:
 *
 *   char magic[16]    "engraft features"
 *   u64  version      1
 *   u64  rows, width  floats a row
 *   char key[64]      lower-case hex; see feature_key.h
 *   u64  head         checksum of the 104 bytes before it
 *   u64  sums[rows]   checksum of each row
 *   f32  data[rows][width], from the next multiple of 4096 on
 *
 * It is written without a name and gets one when all rows are there, so that runs side by side never see half
 * a file; files that are there are read and never changed. A row is checked when it is first read. The folder
 * is kept below a limit: the files that were not used for longest go first. */
#ifndef ENGRAFT_TRAIN_FEATURE_STORE_H
#define ENGRAFT_TRAIN_FEATURE_STORE_H

#include "engraft/arena.h"
#include "engraft/error.h"

typedef struct eg_feature_store eg_feature_store;

/* Empty, in memory. Errors: no memory. */
eg_feature_store *eg_feature_store_memory(int64_t rows, int64_t width, eg_error *err);
/* The file of that key in the folder (made when it is not there); empty when there is none, or none of this
 * form. Errors: the folder or a file in it cannot be made, or the disk is full. */
eg_feature_store *eg_feature_store_open(const char *folder, const char *key, int64_t rows, int64_t width,
                                        eg_error *err);
void eg_feature_store_close(eg_feature_store *store); /* NULL is fine; what is not committed is gone */

/* Whether every row was there when the file was opened. */
bool eg_feature_store_found(const eg_feature_store *store);
bool eg_feature_store_has(const eg_feature_store *store, int64_t row);
/* A row that is there; false when it is damaged or cannot be read. From several threads for different rows.
 */
bool eg_feature_store_read(eg_feature_store *store, int64_t row, float *out);
/* Of an empty place, from one thread. The last one makes the file appear. */
bool eg_feature_store_write(eg_feature_store *store, int64_t row, const float *in, eg_error *err);
/* Forgets all rows and removes the file. */
bool eg_feature_store_reset(eg_feature_store *store, eg_error *err);

/* $XDG_CACHE_HOME/engraft/features, or below ~/.cache; NULL when neither is set. In the arena. */
const char *eg_feature_folder(eg_arena *arena);

#endif
