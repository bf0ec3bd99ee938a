/* What torch.save writes since 1.6: reading. A torch archive (torch_archive.h) whose object is data.pkl and
 * whose storages are data/KEY; engraft's card stands in .data/engraft.json.
 * Source: torch/serialization.py, _load. */
#ifndef ENGRAFT_FORMAT_TORCH_ZIP_H
#define ENGRAFT_FORMAT_TORCH_ZIP_H

#include "format/checkpoint_file.h"

#define EG_CARD_RECORD ".data/engraft.json"

/* Errors ZIP-…, PKL-…, TEN-…, SEL-…. */
bool eg_torch_zip_read(eg_checkpoint_file *file, eg_error *err);

#endif
