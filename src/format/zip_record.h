/* A record of a zip archive as a storage: checked, or inflated, when its bytes are first used. */
#ifndef ENGRAFT_FORMAT_ZIP_RECORD_H
#define ENGRAFT_FORMAT_ZIP_RECORD_H

#include "format/checkpoint_file.h"
#include "format/zip_directory.h"

/* Gives storage, whose key and size are set, the bytes of a record behind its first `header` ones. Stored
 * records are used where they lie in the file; a deflated one gets a block that lives as long as the file's
 * arena. zip, and the file, must live as long. */
void eg_zip_record_attach(eg_checkpoint_file *file, eg_zip *zip, const eg_zip_entry *entry, uint64_t header,
                          eg_storage *storage);

#endif
