/* The zip archive that torch.save, torch.jit.save and torch.export.save share: one folder, its records, and
 * storages that are records of their own.
 *
 *   archive/data.pkl                 the object, with ('storage', class, key, location, numel) as persistent
 *                                    ids
 *   archive/data/KEY                 one record a storage, stored at a multiple of 64 bytes
 *   archive/version                  "3\n"; 1 to 10 are read. Also .data/version
 *   archive/byteorder                "little" or "big"; since 2.1
 *
 * The folder's name is whatever the first entry says. Source: caffe2/serialize/inline_container.cc. */
#ifndef ENGRAFT_FORMAT_TORCH_ARCHIVE_H
#define ENGRAFT_FORMAT_TORCH_ARCHIVE_H

#include "format/checkpoint_file.h"
#include "format/torch_tensor.h"
#include "format/zip_directory.h"

typedef struct eg_torch_archive {
    eg_checkpoint_file *file;
    eg_zip zip;
    const char *folder;
    bool big_endian;
    eg_error *err; /* of the reader at work; its caller clears it */
} eg_torch_archive;

/* Reads the directory; lives in the file's arena. Errors ZIP-…. */
eg_torch_archive *eg_torch_archive_open(eg_checkpoint_file *file, eg_error *err);
/* Reads version and byte order. Errors ZIP-013, ZIP-014. */
bool eg_torch_archive_check(eg_torch_archive *a);
/* The record of that name inside the folder, or NULL. */
const eg_zip_entry *eg_torch_archive_find(const eg_torch_archive *a, const char *name);
/* The bytes of a record of at most `limit`, terminated by a zero that does not count; NULL without an error
 * when it is absent. */
bool eg_torch_archive_text(eg_torch_archive *a, const char *name, uint64_t limit, const char **text,
                           size_t *length);
/* The pickle in a record. Errors ZIP-015 when it is absent. */
const eg_pickle *eg_torch_archive_pickle(eg_torch_archive *a, const char *name);
/* Gives a storage the bytes of a record, which are checked or inflated when they are first used; the record
 * may be longer by less than `item` bytes. Errors TEN-005, TEN-007 (entry NULL). */
bool eg_torch_archive_attach(eg_torch_archive *a, const eg_zip_entry *entry, size_t item, eg_storage *out);
/* The same for every storage of a pickle: key K is the record FOLDER/K, or K itself. */
bool eg_torch_archive_attach_all(eg_torch_archive *a, const eg_torch *torch, const char *folder);

#endif
