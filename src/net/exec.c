#include "net/exec.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kernel/elementwise.h"
#include "kernel/gemm.h"
#include "kernel/norm_grad.h"
#include "net/conv.h"
#include "net/exec_graph.h"
#include "net/exec_memory.h"
#include "net/norm.h"
#include "net/op_table.h"
#include "net/range.h"

static void copy_options(eg_exec *exec, const eg_exec_options *options)
{
    const eg_net *net = exec->net;
    exec->options = *options;
    if (options->trainable)
        exec->options.trainable =
            eg_arena_copy(&exec->arena, options->trainable, (size_t)net->param_count * sizeof(bool));
    if (options->batch_norm)
        exec->options.batch_norm =
            eg_arena_copy(&exec->arena, options->batch_norm, (size_t)net->node_count * sizeof(eg_bn_mode));
}

eg_exec *eg_exec_new(const eg_net *net, eg_weights *weights, const eg_exec_options *options, eg_error *err)
{
    assert(options->batch > 0 && options->pool);
    eg_exec *exec = eg_malloc(sizeof *exec);
    *exec = (eg_exec){.net = net, .weights = weights};
    size_t values = (size_t)net->value_count;
    copy_options(exec, options);
    exec->root = EG_NEW_ARRAY(&exec->arena, int32_t, values);
    exec->wants = EG_NEW_ARRAY(&exec->arena, bool, values);
    exec->reached = EG_NEW_ARRAY(&exec->arena, bool, values);
    exec->data = EG_NEW_ARRAY(&exec->arena, void *, values);
    exec->kept = EG_NEW_ARRAY(&exec->arena, void *, values);
    exec->grad = EG_NEW_ARRAY(&exec->arena, void *, values);
    exec->over = EG_NEW_ARRAY(&exec->arena, int32_t, values);
    exec->runs = EG_NEW_ARRAY(&exec->arena, eg_run_state, (size_t)net->node_count);
    exec->fused = EG_NEW_ARRAY(&exec->arena, eg_fused, (size_t)net->node_count);
    exec->param_grads = EG_NEW_ARRAY(&exec->arena, float *, (size_t)net->param_count);
    eg_gemm_setup();
    exec->cut = eg_cut_find(&exec->arena, net, options->trainable, options->batch_norm);
    eg_fuse(&exec->arena, net, options->trainable, options->batch_norm, &exec->cut, options->plain,
            exec->fused);
    eg_exec_find_graph(exec);
    if (!eg_exec_take_memory(exec, err)) {
        eg_exec_free(exec);
        return NULL;
    }
    return exec;
}

void eg_exec_free(eg_exec *exec)
{
    if (!exec) return;
    eg_block_free(exec->block, exec->block_size);
    eg_block_free(exec->grad_block, exec->grad_size);
    eg_arena_clear(&exec->arena);
    free(exec);
}

/* ---- running ---- */

/* What the value of a batch norm that is not made goes through. */
static eg_epilogue make_prologue(const eg_exec *exec, int32_t norm)
{
    const eg_fused *fused = &exec->fused[norm];
    const float *line = exec->runs[norm].line;
    return (eg_epilogue){.scale = line,
                         .bias = line + eg_exec_channels_of(exec, norm),
                         .activation = fused->activation,
                         .slope = fused->slope};
}

static eg_call make_call(eg_exec *exec, int32_t at, eg_turn now)
{
    const eg_node *node = &exec->net->nodes[at];
    const eg_fused *fused = &exec->fused[at];
    eg_run_state *n = &exec->runs[at];
    void *const *data = now == EG_TURN_FORWARD ? exec->data : exec->kept;
    eg_call call = {.net = exec->net,
                    .node = node,
                    .pool = exec->options.pool,
                    .batch = exec->n,
                    .again = now == EG_TURN_AGAIN,
                    .training = exec->training,
                    .batch_norm = exec->options.batch_norm ? exec->options.batch_norm[at] : EG_BN_EVAL,
                    .stream = eg_stream_make(exec->options.seed, EG_DRAW_DROPOUT, exec->step, (uint64_t)at),
                    .y = data[eg_exec_output_of(exec, at)],
                    .add_grads = n->add_grads,
                    .saved = n->saved,
                    .scratch = n->scratch[now],
                    .worker_scratch = n->worker[now],
                    .worker_stride = n->worker_stride,
                    .epilogue = {.activation = fused->activation, .slope = fused->slope}};
    for (int32_t i = 0; i < eg_exec_inputs_of(exec, at); i++) call.x[i] = data[eg_exec_read_of(exec, at, i)];
    if (fused->unmade) call.line = n->line;
    if (fused->mapped >= 0) call.prologue = make_prologue(exec, fused->mapped);
    if (fused->residual >= 0) call.epilogue.residual = call.x[node->input_count];
    for (int32_t i = 0; i < node->param_count; i++)
        if (node->params[i] >= 0) call.params[i] = exec->weights->data[node->params[i]];
    return call;
}

/* The batch norm that a convolution took in, from its weights as they are now; the convolution's bias goes
 * into its shift. */
static void fold_norm(const eg_exec *exec, int32_t at, eg_call *call)
{
    const eg_node *norm = &exec->net->nodes[exec->fused[at].norm];
    int64_t c = eg_exec_channels_of(exec, at);
    float *scale = exec->runs[at].line, *shift = scale + c;
    const float *bias = call->params[EG_CONV_BIAS];
    void *params[EG_NODE_PARAMS] = {0};
    for (int32_t i = 0; i < norm->param_count; i++)
        if (norm->params[i] >= 0) params[i] = exec->weights->data[norm->params[i]];
    eg_batch_norm2d_fold(norm, c, params, scale, shift);
    for (int64_t i = 0; bias && i < c; i++) shift[i] += bias[i] * scale[i];
    call->params[EG_CONV_BIAS] = NULL;
    call->epilogue.scale = scale;
    call->epilogue.bias = shift;
}

float *eg_exec_input(eg_exec *exec)
{
    return exec->data[0];
}

/* One call a sample; the parameters are packed by the first. */
static void run_apart(const eg_exec *exec, int32_t at, eg_call *call)
{
    const eg_net *net = exec->net;
    int64_t y = eg_value_numel(&net->values[eg_exec_output_of(exec, at)]);
    call->batch = 1;
    for (int64_t n = 0; n < exec->n; n++) {
        net->nodes[at].op->forward(call);
        call->packed = true;
        call->y += y;
        if (call->epilogue.residual) call->epilogue.residual += y;
        for (int32_t i = 0; i < eg_exec_inputs_of(exec, at); i++)
            call->x[i] += eg_value_numel(&net->values[eg_exec_input_of(exec, at, i)]);
    }
}

static void tell(const eg_exec *exec, int32_t node, bool backward)
{
    const eg_exec_watch *watch = &exec->options.watch;
    if (watch->done) watch->done(watch->context, node, backward);
}

/* The nodes at the places from … end-1. */
static void run_places(eg_exec *exec, int32_t from, int32_t end)
{
    for (int32_t place = from; place < end; place++) {
        int32_t i = exec->order[place];
        if (eg_exec_is_idle(exec, i)) continue;
        eg_call call = make_call(exec, i, EG_TURN_FORWARD);
        if (exec->fused[i].norm >= 0) fold_norm(exec, i, &call);
        const eg_op *op = exec->net->nodes[i].op;
        if (exec->options.apart && op->products && exec->cut.side[i] == EG_SIDE_BEFORE)
            run_apart(exec, i, &call);
        else
            op->forward(&call);
        tell(exec, i, false);
    }
}

void eg_exec_begin(eg_exec *exec, int64_t n)
{
    assert(n > 0 && n <= exec->options.batch);
    exec->n = n;
    exec->training = false;
    run_places(exec, 0, exec->begin_end);
}

void eg_exec_before(eg_exec *exec)
{
    run_places(exec, exec->begin_end, exec->before_end);
}

void eg_exec_behind(eg_exec *exec, bool training, uint64_t step)
{
    exec->training = training;
    exec->step = step;
    run_places(exec, exec->before_end, exec->net->node_count);
}

void eg_exec_forward(eg_exec *exec, int64_t n, bool training, uint64_t step)
{
    eg_exec_begin(exec, n);
    eg_exec_before(exec);
    eg_exec_behind(exec, training, step);
}

const eg_cut *eg_exec_cut(const eg_exec *exec)
{
    return &exec->cut;
}

/* The i-th value before the cut, of one sample. */
static float *feature(const eg_exec *exec, int32_t i, int64_t sample, size_t *bytes)
{
    int32_t value = exec->root[exec->cut.values[i]];
    int64_t numel = eg_value_numel(&exec->net->values[value]);
    assert(sample >= 0 && sample < exec->n);
    *bytes = (size_t)numel * sizeof(float);
    return (float *)exec->data[value] + sample * numel;
}

void eg_exec_get_features(const eg_exec *exec, int64_t sample, float *features)
{
    uint8_t *to = (uint8_t *)features;
    size_t bytes;
    for (int32_t i = 0; i < exec->cut.value_count; i++, to += bytes) {
        const float *from = feature(exec, i, sample, &bytes);
        memcpy(to, from, bytes);
    }
}

void eg_exec_put_features(eg_exec *exec, int64_t sample, const float *features)
{
    const uint8_t *from = (const uint8_t *)features;
    size_t bytes;
    for (int32_t i = 0; i < exec->cut.value_count; i++, from += bytes) {
        float *to = feature(exec, i, sample, &bytes);
        memcpy(to, from, bytes);
    }
}

const float *eg_exec_output(const eg_exec *exec)
{
    return exec->data[exec->root[exec->net->output]];
}

float *eg_exec_output_grad(eg_exec *exec)
{
    return exec->grad[exec->root[exec->net->output]];
}

typedef struct addition {
    const float *from;
    float *to;
} addition;

static void add_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const addition *a = context;
    eg_accumulate(end - begin, a->from + begin, a->to + begin);
}

typedef struct activation_job {
    const eg_call *call;
    float *dy;
} activation_job;

static void activation_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const activation_job *j = context;
    const eg_epilogue *e = &j->call->epilogue;
    eg_activation_grad(end - begin, j->call->y + begin, j->dy + begin, e->activation, e->slope,
                       j->dy + begin);
}

/* The gradient of the node's value through an activation, in place: it has no other reader. */
static void activation_backward(eg_exec *exec, int32_t at, eg_call *call)
{
    int32_t y = eg_exec_output_of(exec, at);
    activation_job j = {call, exec->grad[y]};
    eg_range_run(exec->options.pool, exec->n * eg_value_numel(&exec->net->values[y]), EG_GRAIN,
                 activation_range, &j);
}

static void backward_node(eg_exec *exec, int32_t at)
{
    const eg_node *node = &exec->net->nodes[at];
    eg_run_state *n = &exec->runs[at];
    eg_call call = make_call(exec, at, EG_TURN_BACKWARD);
    call.dy = exec->grad[eg_exec_output_of(exec, at)];
    for (int32_t i = 0; i < eg_exec_inputs_of(exec, at); i++) {
        call.dx[i] = n->dx[i];
        call.add_dx[i] = n->add_dx[i] && !n->own_dx[i];
    }
    for (int32_t i = 0; i < node->param_count; i++)
        if (node->params[i] >= 0) call.grads[i] = exec->param_grads[node->params[i]];
    if (n->masks >= 0) call.epilogue.activation = exec->fused[n->masks].activation;
    if (call.epilogue.activation != EG_ACTIVATION_NONE && node->op != &eg_op_batch_norm2d && !n->masked)
        activation_backward(exec, at, &call);
    node->op->backward(&call);
    for (int32_t i = 0; i < eg_exec_inputs_of(exec, at); i++) {
        if (!n->own_dx[i]) continue;
        int32_t x = eg_exec_input_of(exec, at, i);
        addition a = {n->dx[i], exec->grad[x]};
        eg_range_run(exec->options.pool, exec->n * eg_value_numel(&exec->net->values[x]), EG_GRAIN, add_range,
                     &a);
    }
}

void eg_exec_backward(eg_exec *exec)
{
    int32_t next = 0;
    for (int32_t i = exec->net->node_count; i-- > exec->stop;) {
        if (!exec->runs[i].backward) continue;
        for (; next < exec->again_count &&
               exec->runs[exec->again[next]].again == eg_exec_backward_time(exec, i);
             next++) {
            eg_call call = make_call(exec, exec->again[next], EG_TURN_AGAIN);
            call.node->op->forward(&call);
            tell(exec, exec->again[next], false);
        }
        backward_node(exec, i);
        tell(exec, i, true);
    }
}

float *eg_exec_grad(eg_exec *exec, int32_t param)
{
    return exec->param_grads[param];
}

size_t eg_exec_bytes(const eg_exec *exec)
{
    return exec->block_size + exec->grad_size;
}

size_t eg_exec_grad_bytes(const eg_exec *exec)
{
    return exec->grad_size;
}

double eg_exec_backward_flops(const eg_exec *exec)
{
    double sum = 0;
    for (int32_t i = 0; i < exec->net->node_count; i++) {
        const eg_node *node = &exec->net->nodes[i];
        bool inputs = false;
        if (!exec->runs[i].backward || !node->op->flops) continue;
        for (int32_t k = 0; k < node->input_count; k++)
            inputs = inputs || exec->wants[eg_exec_input_of(exec, i, k)];
        sum += node->op->flops(exec->net, node) * (inputs + eg_exec_trains(exec, node));
    }
    return sum;
}

int32_t eg_exec_backward_stop(const eg_exec *exec)
{
    return exec->stop;
}
