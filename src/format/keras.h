/* Keras weights: HDF5 files (.weights.h5 of Keras 3, .h5 before), alone or in a .keras archive.
 *
 *   /layers/NAME/vars/0 …            Keras 3; /optimizer/vars/… beside them
 *   /NAME/NAME/kernel:0              before, and the same below /model_weights in whole models
 *
 * Every data set of numbers is a tensor; its name is its path in the file, without the first slash, and its
 * values are as they are stored (kernels of convolutions: height, width, in, out). Below /model_weights the
 * path starts there. The optimizer's are listed among the values; `state_dict: .` takes all, `state_dict:
 * GROUP` those of a group. Data sets that lie in one piece are used where they lie; others are decoded when
 * the file is opened.
 *
 * libhdf5 runs in a child process that can open nothing and whose memory and time are limited; hdf5.h has
 * what it says. */
#ifndef ENGRAFT_FORMAT_KERAS_H
#define ENGRAFT_FORMAT_KERAS_H

#include "format/checkpoint_file.h"

/* An HDF5 file. Errors FMT-005 (built without libhdf5), H5-001 … H5-004, TEN-004, SEL-002, SEL-003. Forks: to
 * be called before there are threads. */
bool eg_keras_read(eg_checkpoint_file *file, eg_error *err);
/* The weights in a .keras archive. Errors as above and ZIP-…. */
bool eg_keras_archive_read(eg_checkpoint_file *file, eg_error *err);

#endif
