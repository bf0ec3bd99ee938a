/* torch.nn.Softmax over the last dimension: features, the features of each token, the channels of each pixel.
 */
#include "kernel/smooth.h"
#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct job {
    const eg_call *call;
    int64_t c;
} job;

static void forward_rows(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    eg_softmax_forward(end - begin, j->c, j->call->x[0] + begin * j->c, j->call->y + begin * j->c);
}

static void backward_rows(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    int64_t at = begin * j->c;
    eg_softmax_backward(end - begin, j->c, j->call->y + at, j->call->dy + at, j->call->dx[0] + at);
}

static void run(const eg_call *call, eg_range_fn *range)
{
    const eg_value *y = eg_node_output(call->net, call->node);
    job j = {call, y->dims[y->rank - 1]};
    int64_t rows = call->batch * (eg_value_numel(y) / j.c);
    eg_range_run(call->pool, rows, eg_clamp(EG_GRAIN / j.c, 1, rows), range, &j);
}

static void forward(const eg_call *call)
{
    run(call, forward_rows);
}

static void backward(const eg_call *call)
{
    run(call, backward_rows);
}

const eg_op eg_op_softmax = {
    .name = "softmax",
    .type = "Softmax",
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .backward_reads_y = true,
    .infer = eg_infer_same,
    .forward = forward,
    .backward = backward,
};
