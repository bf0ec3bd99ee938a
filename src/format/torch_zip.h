/* PyTorch's zip container (torch.save since 1.6): reading.
 *
 *   archive/data.pkl                 the object, with ('storage', class, key, location, numel) as persistent
 * ids archive/data/KEY                 one record a storage, stored at a multiple of 64 bytes archive/version
 * "3\n"; 1 to 10 are read archive/byteorder                "little" or "big"; since 2.1
 *   archive/.format_version, .storage_alignment, .data/serialization_id   ignored
 *   archive/.data/engraft.json       engraft's card
 *
 * The folder's name is whatever the first entry says. Sources: torch/serialization.py, caffe2/serialize. */
#ifndef ENGRAFT_FORMAT_TORCH_ZIP_H
#define ENGRAFT_FORMAT_TORCH_ZIP_H

#include "format/checkpoint_file.h"
#include "format/zip_directory.h"

#define EG_CARD_RECORD ".data/engraft.json"

/* Errors ZIP-…, PKL-…, TEN-…, SEL-…. */
bool eg_torch_zip_read(eg_checkpoint_file *file, eg_error *err);

#endif
