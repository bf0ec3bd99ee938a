/* Darknet's weights (YOLO): reading. The file has numbers alone; NAME.cfg beside NAME.weights says whose they
 * are.
 *
 *   i32 major, minor, revision
 *   images seen in training: u64 since 0.2, u32 before
 *   then, layer by layer, f32:
 *     convolutional   biases n, with batch norm: scales n, means n, variances n; weights (n, c / groups, k,
 * k) connected       biases n; weights (n, inputs); with batch norm: scales n, means n, variances n
 *
 * Versions above 1000 have connected weights transposed, as has a convolution that is `flipped`: they are
 * strided views. Tensors are named as PyTorch would, by the layer's number in the .cfg:
 *
 *     layers.0.conv.weight, layers.0.bn.{weight,bias,running_mean,running_var}   with batch norm
 *     layers.0.conv.weight, layers.0.conv.bias                                   without; linear.… when
 * connected
 *
 * A file that ends behind a layer is a backbone (darknet19.conv.23 and the like): the rest is missing, and
 * told. Source: darknet, src/parser.c. */
#ifndef ENGRAFT_FORMAT_DARKNET_H
#define ENGRAFT_FORMAT_DARKNET_H

#include "format/checkpoint_file.h"

/* True when the name ends in .weights and the version is plausible: there is no magic number. */
bool eg_darknet_is(const eg_checkpoint_file *file);
/* Errors DKN-001 (no .cfg), DKN-002 (too few or too many numbers), SEL-002, and those of the .cfg. */
bool eg_darknet_read(eg_checkpoint_file *file, eg_error *err);

#endif
