/* Exported programs (torch.export.save since 2.8, "pt2"): reading.
 *
 *   archive/archive_format                              "pt2"
 *   archive/data/weights/MODEL_weights_config.json      name -> {path_name, use_pickle, tensor_meta}, also as
 *                                                       the member "config"; older: MODEL_model_param_config
 *   archive/data/weights/PATH_NAME                      a storage's bytes, shared by the names that tell of
 * it archive/data/constants/MODEL_constants_config.json  the same for what no state dict holds
 *
 * tensor_meta is {dtype, sizes, strides, storage_offset, layout, …} with numbers of torch/_export/serde/
 * schema.py; a size is {"as_int": n}. No pickle is read. Several models are several state dicts, chosen by
 * name. A model's constants (lifted tensors, buffers that do not persist) are listed among the values, and
 * are a state dict of their own by the name "constants" or "MODEL.constants". Source:
 * torch/export/pt2_archive/_package.py. */
#ifndef ENGRAFT_FORMAT_TORCH_PT2_H
#define ENGRAFT_FORMAT_TORCH_PT2_H

#include "format/checkpoint_file.h"

/* Errors ZIP-…, TEN-…, SEL-001, SEL-003, PT2-001 (a description that is not understood). */
bool eg_torch_pt2_read(eg_checkpoint_file *file, eg_error *err);

#endif
