/* A learned tensor as a value, torch.nn.Parameter, repeated for each sample: what the architecture language
 * makes of a `parameter` that data flows through. It has no inputs. Its first
 * `skip` dimensions, each of size 1, are the batch or taken away by indexing; what is left is the sample:
 * (features), (tokens, features), or an image (channels, height, width) in PyTorch's order, y (n, height,
 * width, channels). */
#include <stddef.h>
#include <string.h>

#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    eg_sizes shape; /* PyTorch's */
    int64_t skip;
} attr;

static bool check_shape(const attr *a, eg_error *err)
{
    int64_t left = a->shape.count - a->skip;
    if (a->skip < 0 || left < 1 || left > 3)
        return eg_fail(err, EG_RECIPE,
                       "a parameter of %lld dimensions without the first %lld is no value: expected 1 to 3",
                       (long long)a->shape.count, (long long)a->skip);
    for (int64_t i = 0; i < a->shape.count; i++)
        if (!eg_infer_size("each size of a parameter", a->shape.items[i], 1, err)) return false;
    for (int64_t i = 0; i < a->skip; i++)
        if (a->shape.items[i] != 1)
            return eg_fail(err, EG_RECIPE, "only a dimension of size 1 can be left out, not one of %lld",
                           (long long)a->shape.items[i]);
    return true;
}

static bool infer(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    eg_init zeros = {.kind = EG_INIT_ZEROS, .gain = 1};
    if (!check_shape(a, err)) return false;
    const int64_t *sample = a->shape.items + a->skip;
    uint32_t rank = (uint32_t)(a->shape.count - a->skip);
    int64_t dims[3] = {sample[0], rank > 1 ? sample[1] : 0, 0};
    if (rank == 3) dims[0] = sample[1], dims[1] = sample[2], dims[2] = sample[0];
    infer->param_count = 1;
    return eg_infer_output(infer, dims, rank, err) &&
           eg_infer_param(infer, 0, "", a->shape.items, (uint32_t)a->shape.count, zeros, err);
}

/* A sample as (pixels, channels), the parameter as (channels, pixels); what is no image has one pixel. */
typedef struct job {
    const eg_call *call;
    int64_t pixels, channels;
} job;

static job make_job(const eg_call *call)
{
    const eg_value *y = eg_node_output(call->net, call->node);
    int64_t numel = eg_value_numel(y);
    job j = {call, y->rank == 3 ? y->dims[0] * y->dims[1] : 1, 0};
    j.channels = numel / j.pixels;
    return j;
}

static void copy_sample(const void *context, int64_t sample, int64_t last, int worker)
{
    (void)last, (void)worker;
    const job *j = context;
    const float *from = j->call->params[0];
    float *to = j->call->y + sample * j->pixels * j->channels;
    for (int64_t pixel = 0; pixel < j->pixels; pixel++)
        for (int64_t c = 0; c < j->channels; c++) *to++ = from[c * j->pixels + pixel];
}

static void forward(const eg_call *call)
{
    job j = make_job(call);
    eg_range_run(call->pool, call->batch, 1, copy_sample, &j);
}

/* Elements of a sample: the sum over the samples, in order. */
static void sum_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    int64_t numel = j->pixels * j->channels;
    float *grad = j->call->grads[0];
    for (int64_t i = begin; i < end; i++) {
        double sum = 0;
        for (int64_t n = 0; n < j->call->batch; n++) sum += (double)j->call->dy[n * numel + i];
        int64_t to = i % j->channels * j->pixels + i / j->channels;
        grad[to] = (j->call->add_grads[0] ? grad[to] : 0) + (float)sum;
    }
}

static void backward(const eg_call *call)
{
    job j = make_job(call);
    int64_t numel = j.pixels * j.channels;
    if (call->grads[0])
        eg_range_run(call->pool, numel, eg_clamp(EG_GRAIN / call->batch, 1, numel), sum_range, &j);
}

static const eg_arg args[] = {
    {"shape", EG_ARG_SIZES, offsetof(attr, shape), NULL},
    {"skip", EG_ARG_INT, offsetof(attr, skip), "0"},
    {0},
};

const eg_op eg_op_learned = {
    .name = "learned",
    .type = "Parameter",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 0,
    .max_inputs = 0,
    .version = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
