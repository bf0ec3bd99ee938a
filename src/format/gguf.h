/* GGUF (llama.cpp, whisper.cpp, stable-diffusion.cpp): reading versions 2 and 3.
 *
 *   "GGUF"  u32 version  u64 tensors  u64 values
 *   values    string key, u32 type (0 to 12), the value
 *   tensors   string name, u32 dimensions (0 to 4), u64 size of each, u32 element type, u64 offset
 *   padding up to general.alignment (a value of type u32, a power of two; 32 when absent), then the data
 *
 *   string: u64 length, bytes; array: u32 type, u64 count, the items. All numbers are little-endian.
 *
 * The first size is the one whose elements are neighbours: reversed, they are PyTorch's shape. Each tensor's
 * offset is the sum of the padded sizes before it, so nothing overlaps. Quantized blocks of types Q8_0, Q4_0,
 * Q4_1, Q5_0 and Q5_1 come out as F32 when they are read; others are refused by name. The values go to the
 * checkpoint's. Source: ggml, docs/gguf.md and gguf.cpp. */
#ifndef ENGRAFT_FORMAT_GGUF_H
#define ENGRAFT_FORMAT_GGUF_H

#include "format/checkpoint_file.h"

/* Errors GGF-001 (version), GGF-002 (cut off), GGF-003 (a limit), GGF-004 (a value), GGF-005 (a tensor's
 * description), GGF-006 (offsets), TEN-004, TEN-009. */
bool eg_gguf_read(eg_checkpoint_file *file, eg_error *err);

#endif
