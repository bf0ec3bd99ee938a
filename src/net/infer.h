/* What the operators' infer functions share: checked arguments, output shapes, parameters, sliding windows.
 */
#ifndef ENGRAFT_NET_INFER_H
#define ENGRAFT_NET_INFER_H

#include "net/op.h"

/* Largest size an argument may have, and most elements that a value of one sample may have: with these, no
 * product of a few of them and a batch leaves 63 bits. */
#define EG_SIZE_LIMIT  ((int64_t)1 << 24)
#define EG_NUMEL_LIMIT ((int64_t)1 << 36)

/* low <= value <= EG_SIZE_LIMIT, or "stride must be at least 1, not 0". */
bool eg_infer_size(const char *what, int64_t value, int64_t low, eg_error *err);
/* The same for both numbers of a pair. */
bool eg_infer_pair(const char *what, const int64_t pair[2], int64_t low, eg_error *err);
/* The first input is an image (height, width, channels). */
bool eg_infer_image(const eg_infer *infer, eg_error *err);
/* Sets the output's shape; false when a size is below 1 or there are too many elements. */
bool eg_infer_output(eg_infer *infer, const int64_t *dims, uint32_t rank, eg_error *err);
/* The output has the first input's shape. */
bool eg_infer_same(eg_infer *infer, eg_error *err);

/* Fills parameter `at` (float, not a buffer); fans are the layer's. False when it has too many elements. */
bool eg_infer_param(eg_infer *infer, int at, const char *name, const int64_t *dims, uint32_t rank,
                    eg_init init, eg_error *err);
/* Weight (0) and, when there is one, bias (1, of dims[0] elements) of a convolution or linear layer, with the
 * initialisation of torch.nn.modules.{conv._ConvNd, linear.Linear}.reset_parameters: kaiming_uniform with a =
 * sqrt(5), which is uniform in +-1/sqrt(fan_in), for both. param_count becomes 2. */
bool eg_infer_weight_bias(eg_infer *infer, const int64_t *dims, uint32_t rank, bool bias, eg_error *err);

/* A window that slides over an image: convolution and pooling. */
typedef struct eg_window {
    int64_t kernel[2], stride[2];
    int64_t padding[2];     /* before the first row, column */
    int64_t padding_end[2]; /* after the last */
    int64_t dilation[2];
    bool ceil_mode; /* pooling: a last window may hang over the edge */
} eg_window;

/* Arguments of a pooling layer: a stride that is not given becomes the window's size; the padding is at most
 * half of the window, so that no window lies in the padding alone. */
bool eg_infer_pool(const int64_t kernel[2], int64_t stride[2], const int64_t padding[2], eg_error *err);
/* How many places the window has on an input of (height, width) = dims[0], dims[1], as PyTorch counts them.
 */
bool eg_window_output(const eg_window *window, const int64_t *dims, int64_t out[2], eg_error *err);

#endif
