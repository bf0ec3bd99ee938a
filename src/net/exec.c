#include "net/exec.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kernel/elementwise.h"
#include "kernel/gemm.h"
#include "kernel/norm_grad.h"
#include "net/conv.h"
#include "net/fuse.h"
#include "net/memory_plan.h"
#include "net/norm.h"
#include "net/op_table.h"
#include "net/range.h"

/* What a node needs to run; NULL where there is nothing. Pointers into the block. */
typedef struct run {
    bool backward;
    void *saved;
    void *scratch[2], *worker[2]; /* forward, backward */
    size_t worker_stride;
    void *line;                /* scale and shift of the batch norm that a convolution took in */
    void *dx[EG_OP_INPUTS];    /* the input's gradient, or a buffer of its own to be added to it */
    bool add_dx[EG_OP_INPUTS]; /* the gradient has been written to already: what comes is added */
    bool own_dx[EG_OP_INPUTS]; /* dx is a buffer of its own */
    bool add_grads[EG_NODE_PARAMS];
} run;

struct eg_exec {
    eg_arena arena;
    const eg_net *net;
    eg_weights *weights;
    eg_exec_options options;
    eg_fused *fused; /* per node */
    int32_t *root;   /* per value: the value whose memory it shares, itself if none */
    bool *wants;     /* per value: it depends on a trainable parameter */
    bool *reached;   /* per value: the loss depends on it through nodes that have a backward */
    void **data;     /* per value */
    void **grad;     /* per value; NULL: has none */
    run *runs;       /* per node */
    float **param_grads;
    int32_t stop; /* first node with a backward */
    void *block, *grad_block;
    size_t block_size, grad_size;
    int64_t n; /* of the last forward */
    bool training;
    uint64_t step;
};

/* ---- time: node i runs forward at i, the loss at node_count, node i backward at 2 * node_count - i ---- */
static int64_t loss_time(const eg_exec *exec)
{
    return exec->net->node_count;
}

static int64_t backward_time(const eg_exec *exec, int32_t node)
{
    return 2 * (int64_t)exec->net->node_count - node;
}

static int64_t end_of_time(const eg_exec *exec)
{
    return 2 * (int64_t)exec->net->node_count + 1;
}

/* ---- which nodes have a backward ---- */
static bool has_trainable(const eg_exec *exec, const eg_node *node)
{
    for (int32_t i = 0; exec->options.trainable && i < node->param_count; i++)
        if (node->params[i] >= 0 && exec->options.trainable[node->params[i]]) return true;
    return false;
}

static void find_roots(eg_exec *exec)
{
    const eg_net *net = exec->net;
    for (int32_t i = 0; i < net->value_count; i++) exec->root[i] = i;
    for (int32_t i = 0; i < net->node_count; i++) {
        int32_t y = net->nodes[i].output;
        if (net->nodes[i].op->view) exec->root[y] = exec->root[net->nodes[i].inputs[0]];
        if (exec->fused[i].output != y) exec->root[y] = exec->fused[i].output;
    }
}

/* Nothing to be done: a view, or another node does its work. */
static bool is_idle(const eg_exec *exec, int32_t at)
{
    return exec->net->nodes[at].op->view || exec->fused[at].absorbed;
}

/* With the residual, the last one. */
static int32_t inputs_of(const eg_exec *exec, int32_t at)
{
    return exec->net->nodes[at].input_count + (exec->fused[at].residual >= 0);
}

static int32_t input_of(const eg_exec *exec, int32_t at, int32_t i)
{
    const eg_node *node = &exec->net->nodes[at];
    return exec->root[i < node->input_count ? node->inputs[i] : exec->fused[at].residual];
}

static int32_t output_of(const eg_exec *exec, int32_t at)
{
    return exec->root[exec->net->nodes[at].output];
}

/* Whether backward needs the node's result. Batch normalisation tells the activation from x, unless something
 * was added. */
static bool reads_y(const eg_exec *exec, int32_t at)
{
    const eg_node *node = &exec->net->nodes[at];
    const eg_fused *f = &exec->fused[at];
    return node->op->backward_reads_y ||
           (f->activation != EG_ACTIVATION_NONE && (f->residual >= 0 || node->op != &eg_op_batch_norm2d));
}

/* Values that depend on a trainable parameter, upwards; values that the loss depends on, downwards; a node
 * has a backward when its output is both. */
static void find_backward(eg_exec *exec)
{
    const eg_net *net = exec->net;
    for (int32_t i = 0; i < net->node_count; i++) {
        if (exec->fused[i].absorbed) continue;
        bool wants = has_trainable(exec, &net->nodes[i]);
        for (int32_t k = 0; k < inputs_of(exec, i); k++) wants = wants || exec->wants[input_of(exec, i, k)];
        if (wants) exec->wants[output_of(exec, i)] = true;
    }
    exec->reached[exec->root[net->output]] = true;
    exec->stop = net->node_count;
    for (int32_t i = net->node_count; i-- > 0;) {
        int32_t y = output_of(exec, i);
        if (is_idle(exec, i) || !exec->wants[y] || !exec->reached[y]) continue;
        exec->runs[i].backward = true;
        exec->stop = i;
        for (int32_t k = 0; k < inputs_of(exec, i); k++) exec->reached[input_of(exec, i, k)] = true;
    }
}

/* ---- memory ---- */
typedef struct request {
    eg_buffer buffer;
    void **target;
} request;

typedef struct requests {
    eg_arena *arena;
    request *items;
    size_t count, capacity;
    bool overflow;
} requests;

static void ask(requests *r, int64_t first, int64_t last, size_t size, void **target)
{
    if (r->count == r->capacity) {
        size_t capacity = r->capacity ? 2 * r->capacity : 256;
        request *items = EG_NEW_ARRAY(r->arena, request, capacity);
        if (r->count) memcpy(items, r->items, r->count * sizeof *items);
        r->items = items;
        r->capacity = capacity;
    }
    r->items[r->count++] = (request){{first, last, size, 0}, target};
}

static size_t value_size(const eg_exec *exec, int32_t value, requests *r)
{
    size_t size;
    if (__builtin_mul_overflow((size_t)eg_value_numel(&exec->net->values[value]), sizeof(float), &size) ||
        __builtin_mul_overflow(size, (size_t)exec->options.batch, &size)) {
        r->overflow = true;
        return 0;
    }
    return size;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* A value lives from its node to its last reader; the input and the output always, since the caller holds
 * them. */
static void ask_values(eg_exec *exec, requests *r)
{
    const eg_net *net = exec->net;
    int64_t *first = EG_NEW_ARRAY(r->arena, int64_t, (size_t)net->value_count);
    int64_t *last = EG_NEW_ARRAY(r->arena, int64_t, (size_t)net->value_count);
    for (int32_t i = 0; i < net->node_count; i++) {
        const eg_node *node = &net->nodes[i];
        if (is_idle(exec, i)) continue;
        int32_t y = output_of(exec, i);
        bool backward = exec->runs[i].backward;
        first[y] = i;
        last[y] = later(last[y], backward && reads_y(exec, i) ? backward_time(exec, i) : i);
        for (int32_t k = 0; k < inputs_of(exec, i); k++) {
            int32_t x = input_of(exec, i, k);
            bool kept = backward && node->op->backward_reads_x && k < node->input_count;
            last[x] = later(last[x], kept ? backward_time(exec, i) : i);
        }
    }
    int32_t held[] = {0, exec->root[net->output]};
    for (int i = 0; i < 2; i++) {
        first[held[i]] = i == 0 ? -1 : first[held[i]];
        last[held[i]] = end_of_time(exec);
    }
    ask(r, first[0], last[0], value_size(exec, 0, r), &exec->data[0]);
    for (int32_t i = 0; i < net->node_count; i++) {
        int32_t y = output_of(exec, i);
        if (!is_idle(exec, i)) ask(r, first[y], last[y], value_size(exec, y, r), &exec->data[y]);
    }
}

/* A gradient lives from its first writer (the loss, or the last node that reads the value) to the node that
 * made the value. Further writers get a buffer of their own, which is added: in backward order, so always in
 * the same. */
static void ask_grads(eg_exec *exec, requests *r)
{
    const eg_net *net = exec->net;
    int64_t *first = EG_NEW_ARRAY(r->arena, int64_t, (size_t)net->value_count);
    int32_t output = exec->root[net->output];
    if (exec->options.trainable) first[output] = loss_time(exec);
    for (int32_t i = net->node_count; i-- > 0;) {
        const eg_node *node = &net->nodes[i];
        run *n = &exec->runs[i];
        if (!n->backward) continue;
        bool adds = node->op->adds_dx && node->op->adds_dx(net, node);
        for (int32_t k = 0; k < inputs_of(exec, i); k++) {
            int32_t x = input_of(exec, i, k);
            if (!exec->wants[x]) continue;
            n->add_dx[k] = first[x] != 0;
            n->own_dx[k] = n->add_dx[k] && !adds;
            if (first[x] == 0) first[x] = backward_time(exec, i);
            if (n->own_dx[k])
                ask(r, backward_time(exec, i), backward_time(exec, i), value_size(exec, x, r), &n->dx[k]);
        }
        int32_t y = output_of(exec, i);
        ask(r, first[y], backward_time(exec, i), value_size(exec, y, r), &exec->grad[y]);
    }
    /* The caller may write the loss's gradient even where nothing below it trains. */
    if (exec->options.trainable && !exec->wants[output])
        ask(r, loss_time(exec), loss_time(exec), value_size(exec, output, r), &exec->grad[output]);
}

/* Of the node's output. */
static int64_t channels_of(const eg_exec *exec, int32_t at)
{
    const eg_value *y = eg_node_output(exec->net, &exec->net->nodes[at]);
    return y->dims[y->rank - 1];
}

static void ask_scratch(eg_exec *exec, requests *r)
{
    const eg_net *net = exec->net;
    size_t threads = (size_t)eg_pool_threads(exec->options.pool), workers;
    for (int32_t i = 0; i < net->node_count; i++) {
        const eg_node *node = &net->nodes[i];
        run *n = &exec->runs[i];
        eg_op_memory memory = {0};
        if (is_idle(exec, i)) continue;
        if (exec->fused[i].norm >= 0)
            ask(r, i, i, (size_t)(2 * channels_of(exec, i)) * sizeof(float), &n->line);
        if (node->op->memory) node->op->memory(net, node, exec->options.batch, n->backward, &memory);
        n->worker_stride =
            (memory.worker + EG_BUFFER_ALIGNMENT - 1) / EG_BUFFER_ALIGNMENT * EG_BUFFER_ALIGNMENT;
        if (__builtin_mul_overflow(n->worker_stride, threads, &workers)) r->overflow = true;
        if (n->backward && memory.saved) ask(r, i, backward_time(exec, i), memory.saved, &n->saved);
        for (int pass = 0; pass <= n->backward; pass++) {
            int64_t at = pass == 0 ? i : backward_time(exec, i);
            if (memory.scratch) ask(r, at, at, memory.scratch, &n->scratch[pass]);
            if (memory.worker) ask(r, at, at, workers, &n->worker[pass]);
        }
    }
}

/* More samples than this fit no memory, and with fewer no product of sizes leaves 63 bits. */
enum { MOST_SAMPLES = 1 << 24 };

static bool plan_memory(eg_exec *exec, eg_error *err)
{
    eg_arena work = {0};
    requests r = {.arena = &work};
    if (exec->options.batch > MOST_SAMPLES)
        return eg_fail(err, EG_SYSTEM, "a batch of %lld samples is more than the %d that are supported",
                       (long long)exec->options.batch, MOST_SAMPLES);
    ask_values(exec, &r);
    ask_grads(exec, &r);
    ask_scratch(exec, &r);
    eg_buffer *buffers = EG_NEW_ARRAY(&work, eg_buffer, r.count);
    for (size_t i = 0; i < r.count; i++) buffers[i] = r.items[i].buffer;
    bool ok = !r.overflow && eg_memory_plan(&work, buffers, r.count, &exec->block_size);
    if (!ok)
        eg_fail(err, EG_SYSTEM,
                "a batch of %lld samples needs more memory than any machine has; lower batch_size",
                (long long)exec->options.batch);
    if (ok && !exec->options.dry)
        exec->block = eg_block_new(exec->block_size, "the activations; a smaller batch_size needs less", err);
    for (size_t i = 0; exec->block && i < r.count; i++)
        *r.items[i].target = (uint8_t *)exec->block + buffers[i].offset;
    eg_arena_clear(&work);
    return ok && (exec->block || exec->options.dry);
}

/* First writers of a value's gradient write it in place. */
static void link_grads(eg_exec *exec)
{
    const eg_net *net = exec->net;
    for (int32_t i = 0; i < net->node_count; i++)
        for (int32_t k = 0; exec->runs[i].backward && k < inputs_of(exec, i); k++)
            if (!exec->runs[i].own_dx[k]) exec->runs[i].dx[k] = exec->grad[input_of(exec, i, k)];
}

/* One block for the gradients of the trainable parameters. A parameter that several nodes share: the first
 * one backward overwrites, the others add. */
static bool make_param_grads(eg_exec *exec, eg_error *err)
{
    const eg_net *net = exec->net;
    size_t *offsets = EG_NEW_ARRAY(&exec->arena, size_t, (size_t)net->param_count);
    bool *written = EG_NEW_ARRAY(&exec->arena, bool, (size_t)net->param_count);
    for (int32_t i = 0; exec->options.trainable && i < net->param_count; i++) {
        uint64_t numel = 0;
        if (!exec->options.trainable[i]) continue;
        assert(!net->params[i].buffer && net->params[i].dtype == EG_F32);
        eg_shape_numel(net->params[i].shape, &numel);
        offsets[i] = exec->grad_size;
        exec->grad_size +=
            (numel * sizeof(float) + EG_BUFFER_ALIGNMENT - 1) / EG_BUFFER_ALIGNMENT * EG_BUFFER_ALIGNMENT;
    }
    if (exec->options.dry) return true;
    if (exec->grad_size && !(exec->grad_block = eg_block_new(exec->grad_size, "the gradients", err)))
        return false;
    for (int32_t i = 0; exec->options.trainable && i < net->param_count; i++)
        if (exec->options.trainable[i])
            exec->param_grads[i] = (float *)(void *)((uint8_t *)exec->grad_block + offsets[i]);
    for (int32_t i = net->node_count; i-- > 0;)
        for (int32_t k = 0; exec->runs[i].backward && k < net->nodes[i].param_count; k++) {
            int32_t param = net->nodes[i].params[k];
            if (param < 0) continue;
            exec->runs[i].add_grads[k] = written[param];
            written[param] = true;
        }
    return true;
}

/* ---- construction ---- */
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
    exec->grad = EG_NEW_ARRAY(&exec->arena, void *, values);
    exec->runs = EG_NEW_ARRAY(&exec->arena, run, (size_t)net->node_count);
    exec->fused = EG_NEW_ARRAY(&exec->arena, eg_fused, (size_t)net->node_count);
    exec->param_grads = EG_NEW_ARRAY(&exec->arena, float *, (size_t)net->param_count);
    eg_gemm_setup();
    eg_fuse(&exec->arena, net, options->trainable, options->batch_norm, options->plain, exec->fused);
    find_roots(exec);
    find_backward(exec);
    if (!plan_memory(exec, err) || !make_param_grads(exec, err)) {
        eg_exec_free(exec);
        return NULL;
    }
    link_grads(exec);
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
static eg_call make_call(eg_exec *exec, int32_t at, int pass)
{
    const eg_node *node = &exec->net->nodes[at];
    const eg_fused *fused = &exec->fused[at];
    run *n = &exec->runs[at];
    eg_call call = {.net = exec->net,
                    .node = node,
                    .pool = exec->options.pool,
                    .batch = exec->n,
                    .training = exec->training,
                    .batch_norm = exec->options.batch_norm ? exec->options.batch_norm[at] : EG_BN_EVAL,
                    .stream = eg_stream_make(exec->options.seed, EG_DRAW_DROPOUT, exec->step, (uint64_t)at),
                    .y = exec->data[output_of(exec, at)],
                    .add_grads = n->add_grads,
                    .saved = n->saved,
                    .scratch = n->scratch[pass],
                    .worker_scratch = n->worker[pass],
                    .worker_stride = n->worker_stride,
                    .epilogue = {.activation = fused->activation, .slope = fused->slope}};
    for (int32_t i = 0; i < inputs_of(exec, at); i++) call.x[i] = exec->data[input_of(exec, at, i)];
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
    int64_t c = channels_of(exec, at);
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

void eg_exec_forward(eg_exec *exec, int64_t n, bool training, uint64_t step)
{
    assert(n > 0 && n <= exec->options.batch);
    exec->n = n;
    exec->training = training;
    exec->step = step;
    for (int32_t i = 0; i < exec->net->node_count; i++) {
        if (is_idle(exec, i)) continue;
        eg_call call = make_call(exec, i, 0);
        if (exec->fused[i].norm >= 0) fold_norm(exec, i, &call);
        exec->net->nodes[i].op->forward(&call);
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

/* Through the activation behind a convolution, in place: the gradient of the node's value has no other
 * reader. */
static void activation_backward(eg_exec *exec, int32_t at, eg_call *call)
{
    int32_t y = output_of(exec, at);
    activation_job j = {call, exec->grad[y]};
    eg_range_run(exec->options.pool, exec->n * eg_value_numel(&exec->net->values[y]), EG_GRAIN,
                 activation_range, &j);
}

static void backward_node(eg_exec *exec, int32_t at)
{
    const eg_node *node = &exec->net->nodes[at];
    run *n = &exec->runs[at];
    eg_call call = make_call(exec, at, 1);
    call.dy = exec->grad[output_of(exec, at)];
    for (int32_t i = 0; i < inputs_of(exec, at); i++) {
        call.dx[i] = n->dx[i];
        call.add_dx[i] = n->add_dx[i] && !n->own_dx[i];
    }
    for (int32_t i = 0; i < node->param_count; i++)
        if (node->params[i] >= 0) call.grads[i] = exec->param_grads[node->params[i]];
    if (call.epilogue.activation != EG_ACTIVATION_NONE && node->op != &eg_op_batch_norm2d)
        activation_backward(exec, at, &call);
    node->op->backward(&call);
    for (int32_t i = 0; i < inputs_of(exec, at); i++) {
        if (!n->own_dx[i]) continue;
        int32_t x = input_of(exec, at, i);
        addition a = {n->dx[i], exec->grad[x]};
        eg_range_run(exec->options.pool, exec->n * eg_value_numel(&exec->net->values[x]), EG_GRAIN, add_range,
                     &a);
    }
}

void eg_exec_backward(eg_exec *exec)
{
    for (int32_t i = exec->net->node_count; i-- > exec->stop;)
        if (exec->runs[i].backward) backward_node(exec, i);
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
        for (int32_t k = 0; k < node->input_count; k++) inputs = inputs || exec->wants[input_of(exec, i, k)];
        sum += node->op->flops(exec->net, node) * (inputs + has_trainable(exec, node));
    }
    return sum;
}

int32_t eg_exec_backward_stop(const eg_exec *exec)
{
    return exec->stop;
}
