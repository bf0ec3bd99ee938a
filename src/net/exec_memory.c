#include "net/exec_memory.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "net/exec_graph.h"
#include "net/memory_plan.h"

static int64_t loss_time(const eg_exec *exec)
{
    return exec->net->node_count;
}

static int64_t end_of_time(const eg_exec *exec)
{
    return 2 * (int64_t)exec->net->node_count + 1;
}

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

/* When backward needs a value; first 0: it does not. */
typedef struct need {
    int64_t first, last;
} need;

static void add_need(need *n, int64_t time)
{
    if (n->first == 0 || time < n->first) n->first = time;
    if (time > n->last) n->last = time;
}

static bool may_run_again(const eg_exec *exec, int32_t at)
{
    const eg_op *op = exec->net->nodes[at].op;
    int32_t y = eg_exec_output_of(exec, at);
    return exec->recompute && op->cheap && !exec->fused[at].unmade && exec->runs[at].backward &&
           y != exec->root[exec->net->output];
}

/* Downwards: what backward needs of each value, and which nodes run again for it; these need their inputs by
 * then. */
static need *find_needs(eg_exec *exec, eg_arena *work)
{
    const eg_net *net = exec->net;
    need *needs = EG_NEW_ARRAY(work, need, (size_t)net->value_count);
    for (int32_t place = net->node_count; place-- > 0;) {
        int32_t i = exec->order[place];
        const eg_node *node = &net->nodes[i];
        need *y = &needs[eg_exec_output_of(exec, i)];
        if (eg_exec_is_idle(exec, i)) continue;
        bool backward = exec->runs[i].backward;
        if (backward && eg_exec_reads_y(exec, i)) add_need(y, eg_exec_backward_time(exec, i));
        if (y->first && may_run_again(exec, i)) exec->runs[i].again = y->first;
        for (int32_t k = 0; k < eg_exec_inputs_of(exec, i); k++) {
            need *x = &needs[eg_exec_read_of(exec, i, k)];
            if (backward && node->op->backward_reads_x && k < node->input_count)
                add_need(x, eg_exec_backward_time(exec, i));
            if (exec->runs[i].again) add_need(x, exec->runs[i].again);
        }
    }
    return needs;
}

/* A value lives from its node to its last reader, in forward or in backward, or once for each; the input and
 * the output always, since the caller holds them. */
static void ask_values(eg_exec *exec, requests *r)
{
    const eg_net *net = exec->net;
    int64_t *last = EG_NEW_ARRAY(r->arena, int64_t, (size_t)net->value_count);
    const need *needs = find_needs(exec, r->arena);
    last[0] = last[exec->root[net->output]] = end_of_time(exec);
    for (int32_t i = 0; i < net->node_count; i++) {
        if (eg_exec_is_idle(exec, i)) continue;
        int32_t y = eg_exec_output_of(exec, i);
        last[y] = later(last[y], exec->place[i]);
        for (int32_t k = 0; k < eg_exec_inputs_of(exec, i); k++) {
            int32_t x = eg_exec_read_of(exec, i, k);
            last[x] = later(last[x], exec->place[i]);
        }
    }
    ask(r, -1, last[0], value_size(exec, 0, r), &exec->data[0]);
    for (int32_t i = 0; i < net->node_count; i++) {
        int32_t y = eg_exec_output_of(exec, i);
        bool again = exec->runs[i].again != 0;
        if (eg_exec_is_idle(exec, i) || exec->fused[i].unmade) continue;
        ask(r, exec->place[i], again ? last[y] : later(last[y], needs[y].last), value_size(exec, y, r),
            &exec->data[y]);
        if (again) ask(r, needs[y].first, needs[y].last, value_size(exec, y, r), &exec->kept[y]);
    }
}

/* The input whose gradient the node writes over its output's, -1: none. */
static int32_t find_over(const eg_exec *exec, int32_t at)
{
    const eg_node *node = &exec->net->nodes[at];
    const eg_run_state *n = &exec->runs[at];
    if (!node->op->writes_over_dy) return -1;
    for (int32_t k = eg_exec_inputs_of(exec, at); k-- > 0;) {
        bool fits = k == 0 || k >= node->input_count;
        if (fits && exec->wants[eg_exec_input_of(exec, at, k)] && !n->add_dx[k]) return k;
    }
    return -1;
}

/* first: per value: when its gradient is first written, 0: not yet. */
static void ask_dx(eg_exec *exec, requests *r, int32_t at, int64_t *first)
{
    const eg_node *node = &exec->net->nodes[at];
    eg_run_state *n = &exec->runs[at];
    int64_t now = eg_exec_backward_time(exec, at);
    bool adds = node->op->adds_dx && node->op->adds_dx(exec->net, node);
    for (int32_t k = 0; k < eg_exec_inputs_of(exec, at); k++) {
        int32_t x = eg_exec_input_of(exec, at, k);
        if (!exec->wants[x]) continue;
        n->add_dx[k] = first[x] != 0;
        n->own_dx[k] = n->add_dx[k] && !adds;
        if (first[x] == 0) first[x] = now;
        if (n->own_dx[k]) ask(r, now, now, value_size(exec, x, r), &n->dx[k]);
    }
}

/* A gradient lives from its first writer (the loss, or the last node that reads the value) to the node that
 * made the value, or on as that of a value that this node writes over it. Further writers get a buffer of
 * their own, which is added: in backward order, so always in the same. */
static void ask_grads(eg_exec *exec, requests *r)
{
    const eg_net *net = exec->net;
    int64_t *first = EG_NEW_ARRAY(r->arena, int64_t, (size_t)net->value_count);
    size_t *asked = EG_NEW_ARRAY(r->arena, size_t, (size_t)net->value_count); /* its request */
    int32_t output = exec->root[net->output];
    if (exec->options.trainable) first[output] = loss_time(exec);
    for (int32_t v = 0; v < net->value_count; v++) exec->over[v] = -1;
    for (int32_t i = net->node_count; i-- > 0;) {
        int32_t y = eg_exec_output_of(exec, i);
        int64_t now = eg_exec_backward_time(exec, i);
        if (!exec->runs[i].backward) continue;
        ask_dx(exec, r, i, first);
        int32_t k = find_over(exec, i);
        if (k >= 0) exec->over[eg_exec_input_of(exec, i, k)] = y;
        if (exec->over[y] < 0) {
            asked[y] = r->count;
            ask(r, first[y], now, value_size(exec, y, r), &exec->grad[y]);
        } else {
            asked[y] = asked[exec->over[y]];
            r->items[asked[y]].buffer.last = now;
        }
    }
    /* The caller may write the loss's gradient even where nothing below it trains. */
    if (exec->options.trainable && !exec->wants[output])
        ask(r, loss_time(exec), loss_time(exec), value_size(exec, output, r), &exec->grad[output]);
}

/* The last time that a node's line is read: where it is not made, by its reader, which also runs backward. */
static int64_t line_end(const eg_exec *exec, int32_t at)
{
    if (!exec->fused[at].unmade) return exec->place[at];
    return exec->options.trainable ? eg_exec_backward_time(exec, at) : loss_time(exec);
}

static void ask_scratch(eg_exec *exec, requests *r)
{
    const eg_net *net = exec->net;
    size_t threads = (size_t)eg_pool_threads(exec->options.pool), workers;
    for (int32_t i = 0; i < net->node_count; i++) {
        const eg_node *node = &net->nodes[i];
        eg_run_state *n = &exec->runs[i];
        int64_t now = exec->place[i];
        eg_op_memory memory = {0};
        if (eg_exec_is_idle(exec, i)) continue;
        if (exec->fused[i].norm >= 0 || exec->fused[i].unmade)
            ask(r, now, line_end(exec, i), (size_t)(2 * eg_exec_channels_of(exec, i)) * sizeof(float),
                &n->line);
        if (node->op->memory) node->op->memory(net, node, exec->options.batch, n->backward, &memory);
        n->worker_stride =
            (memory.worker + EG_BUFFER_ALIGNMENT - 1) / EG_BUFFER_ALIGNMENT * EG_BUFFER_ALIGNMENT;
        if (__builtin_mul_overflow(n->worker_stride, threads, &workers)) r->overflow = true;
        if (n->backward && memory.saved) ask(r, now, eg_exec_backward_time(exec, i), memory.saved, &n->saved);
        const int64_t times[EG_TURN_COUNT] = {now, eg_exec_backward_time(exec, i), n->again};
        for (int pass = EG_TURN_FORWARD; pass < EG_TURN_COUNT; pass++) {
            int64_t at = times[pass];
            if ((pass == EG_TURN_BACKWARD && !n->backward) || (pass == EG_TURN_AGAIN && !n->again)) continue;
            if (memory.scratch) ask(r, at, at, memory.scratch, &n->scratch[pass]);
            if (memory.worker) ask(r, at, at, workers, &n->worker[pass]);
        }
    }
}

static bool place_buffers(eg_exec *exec, requests *r, eg_buffer **buffers)
{
    r->count = 0;
    ask_values(exec, r);
    ask_grads(exec, r);
    ask_scratch(exec, r);
    *buffers = EG_NEW_ARRAY(r->arena, eg_buffer, r->count);
    for (size_t i = 0; i < r->count; i++) (*buffers)[i] = r->items[i].buffer;
    return !r->overflow && eg_memory_plan(r->arena, *buffers, r->count, &exec->block_size);
}

/* More samples than this fit no memory, and with fewer no product of sizes leaves 63 bits. */
enum { MOST_SAMPLES = 1 << 24 };
/* Activations of this size are worth some time. */
static const size_t recompute_from = (size_t)1 << 30;

static bool plan_memory(eg_exec *exec, eg_error *err)
{
    eg_arena work = {0};
    requests r = {.arena = &work};
    eg_buffer *buffers;
    eg_recompute recompute = exec->options.recompute;
    if (exec->options.batch > MOST_SAMPLES)
        return eg_fail(err, EG_SYSTEM, "a batch of %lld samples is more than the %d that are supported",
                       (long long)exec->options.batch, MOST_SAMPLES);
    exec->recompute = recompute == EG_RECOMPUTE_ALWAYS;
    bool ok = place_buffers(exec, &r, &buffers);
    if (ok && recompute == EG_RECOMPUTE_AUTO && exec->block_size > recompute_from) {
        exec->recompute = true;
        ok = place_buffers(exec, &r, &buffers);
    }
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

/* First writers of a value's gradient write it in place, some of them over that of their output. */
static void link_grads(eg_exec *exec)
{
    const eg_net *net = exec->net;
    for (int32_t i = net->node_count; i-- > 0;) {
        int32_t y = eg_exec_output_of(exec, i);
        if (exec->runs[i].backward && exec->over[y] >= 0) exec->grad[y] = exec->grad[exec->over[y]];
    }
    for (int32_t i = 0; i < net->node_count; i++)
        for (int32_t k = 0; exec->runs[i].backward && k < eg_exec_inputs_of(exec, i); k++)
            if (!exec->runs[i].own_dx[k]) exec->runs[i].dx[k] = exec->grad[eg_exec_input_of(exec, i, k)];
}

/* The nodes that run again, by time and place; and where backward finds each value. */
static void link_again(eg_exec *exec)
{
    const eg_net *net = exec->net;
    exec->again = EG_NEW_ARRAY(&exec->arena, int32_t, (size_t)net->node_count);
    for (int32_t v = 0; v < net->value_count; v++)
        if (!exec->kept[v]) exec->kept[v] = exec->data[v];
    for (int32_t i = net->node_count; i-- > 0;)
        for (int32_t place = 0; exec->runs[i].backward && place < net->node_count; place++)
            if (exec->runs[exec->order[place]].again == eg_exec_backward_time(exec, i))
                exec->again[exec->again_count++] = exec->order[place];
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

bool eg_exec_take_memory(eg_exec *exec, eg_error *err)
{
    if (!plan_memory(exec, err) || !make_param_grads(exec, err)) return false;
    link_grads(exec);
    link_again(exec);
    return true;
}
