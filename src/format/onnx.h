/* ONNX models: reading the initialisers of the graph, which are the network's weights.
 *
 *   ModelProto   ir_version = 1, producer_name = 2, producer_version = 3, graph = 7
 *   GraphProto   name = 2, initializer = 5, sparse_initializer = 15
 *   TensorProto  dims = 1, data_type = 2, segment = 3, name = 8, data_location = 14 (1: external), and one of
 *                raw_data = 9       the elements, little-endian
 *                float_data = 4, int32_data = 5, int64_data = 7, double_data = 10, uint64_data = 11
 *                external_data = 13 pairs of key = 1 and value = 2: location, offset, length
 *
 * int32_data holds every type of 32 bits and fewer, 16-bit floats as their bits; complex numbers are pairs.
 * An external file is a plain name in the model's own folder, never a link. Initialisers of subgraphs and the
 * values of Constant nodes are no weights of the graph and are not listed. Source: onnx, onnx.proto. */
#ifndef ENGRAFT_FORMAT_ONNX_H
#define ENGRAFT_FORMAT_ONNX_H

#include "format/checkpoint_file.h"

/* True for a message that starts as a ModelProto with a version and has a graph. */
bool eg_onnx_is(const uint8_t *bytes, uint64_t size);
/* Errors ONX-001 (no message), ONX-002 (a tensor's description), ONX-003 (its data), ONX-004 (its external
 * file), TEN-002, TEN-004, TEN-009, SEL-002. */
bool eg_onnx_read(eg_checkpoint_file *file, eg_error *err);

#endif
