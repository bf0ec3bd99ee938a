/* torchvision.models.swin_transformer.ShiftedWindowAttention, without dropout: attention within windows of an
 * image, which lie shifted cyclically by `shift_size`. x, y (n, h, w, c). The image is padded with zeros
 * below and to the right to whole windows. relative_position_bias_table ((2 wh - 1) (2 ww - 1), heads), by
 * the distance of two pixels; relative_position_index (wh ww wh ww) says which row of it: a constant, kept
 * for the state dict, never read; qkv.weight (3c, c), qkv.bias (3c), proj.weight (c, c), proj.bias (c). */
#include <stddef.h>
#include <string.h>

#include "net/attention.h"
#include "net/columns.h"
#include "net/dense.h"
#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    int64_t window[2], shift[2], heads;
    bool qkv_bias, proj_bias;
    /* Completed by infer: */
    int64_t padded[2];    /* the image's size in whole windows */
    const int64_t *index; /* (t, t): the row of the bias table for two pixels of a window */
    const int32_t
        *regions; /* (windows, t): which pixels of a window are neighbours in the image; NULL: all */
} attr;

enum { TABLE, INDEX, QKV_WEIGHT, QKV_BIAS, PROJ_WEIGHT, PROJ_BIAS, PARAMS };

/* Pixels of a window: their square is kept for each head. */
enum { MOST_PIXELS = 1 << 10 };

static int64_t pixels_of(const attr *a)
{
    return a->window[0] * a->window[1];
}

static int64_t table_rows(const attr *a)
{
    return (2 * a->window[0] - 1) * (2 * a->window[1] - 1);
}

static const int64_t *make_index(eg_arena *arena, const attr *a)
{
    int64_t t = pixels_of(a), *index = EG_NEW_ARRAY(arena, int64_t, (size_t)(t * t)), *to = index;
    for (int64_t i = 0; i < t; i++)
        for (int64_t j = 0; j < t; j++) {
            int64_t rows = i / a->window[1] - j / a->window[1] + a->window[0] - 1;
            int64_t columns = i % a->window[1] - j % a->window[1] + a->window[1] - 1;
            *to++ = rows * (2 * a->window[1] - 1) + columns;
        }
    return index;
}

/* The shifted image ends with what was its start: those rows and columns are regions of their own. */
static int32_t region_at(const attr *a, int axis, int64_t place)
{
    if (a->shift[axis] == 0 || place < a->padded[axis] - a->window[axis]) return 0;
    return place < a->padded[axis] - a->shift[axis] ? 1 : 2;
}

static const int32_t *make_regions(eg_arena *arena, const attr *a)
{
    int64_t t = pixels_of(a), across = a->padded[1] / a->window[1];
    if (a->shift[0] == 0 && a->shift[1] == 0) return NULL;
    int32_t *regions = EG_NEW_ARRAY(arena, int32_t, (size_t)(a->padded[0] * a->padded[1])), *to = regions;
    for (int64_t window = 0; window < a->padded[0] / a->window[0] * across; window++)
        for (int64_t i = 0; i < t; i++) {
            int64_t row = window / across * a->window[0] + i / a->window[1];
            int64_t column = window % across * a->window[1] + i % a->window[1];
            *to++ = 3 * region_at(a, 0, row) + region_at(a, 1, column);
        }
    return regions;
}

static bool infer_params(eg_infer *infer, const attr *a, eg_error *err)
{
    int64_t c = infer->inputs[0].dims[2], t = pixels_of(a), squares = t * t;
    const int64_t table[] = {table_rows(a), a->heads}, qkv[] = {3 * c, c}, proj[] = {c, c};
    eg_init cut = {.kind = EG_INIT_NORMAL, .std = 0.02, .gain = 1},
            zeros = {.kind = EG_INIT_ZEROS, .gain = 1};
    eg_infer linear = {.arena = infer->arena};
    if (!eg_infer_weight_bias(&linear, qkv, 2, a->qkv_bias, err)) return false;
    for (int i = 0; i < 2; i++) infer->params[QKV_WEIGHT + i] = linear.params[i];
    if (a->qkv_bias) infer->params[QKV_BIAS].name = "qkv.bias";
    infer->params[QKV_WEIGHT].name = "qkv.weight";
    linear = (eg_infer){.arena = infer->arena};
    if (!eg_infer_weight_bias(&linear, proj, 2, a->proj_bias, err)) return false;
    for (int i = 0; i < 2; i++) infer->params[PROJ_WEIGHT + i] = linear.params[i];
    if (a->proj_bias) infer->params[PROJ_BIAS].name = "proj.bias";
    infer->params[PROJ_WEIGHT].name = "proj.weight";
    infer->param_count = PARAMS;
    if (!eg_infer_param(infer, TABLE, "relative_position_bias_table", table, 2, cut, err) ||
        !eg_infer_param(infer, INDEX, "relative_position_index", &squares, 1, zeros, err))
        return false;
    infer->params[INDEX].buffer = true;
    infer->params[INDEX].dtype = EG_I64;
    infer->params[INDEX].content = a->index;
    return true;
}

static bool check_arguments(const eg_infer *infer, const attr *a, eg_error *err)
{
    if (!eg_infer_image(infer, err) || !eg_infer_pair("window_size", a->window, 1, err) ||
        !eg_infer_pair("shift_size", a->shift, 0, err) || !eg_infer_size("heads", a->heads, 1, err))
        return false;
    if (a->window[0] > MOST_PIXELS / a->window[1])
        return eg_fail(err, EG_RECIPE, "a window of %lldx%lld has more than the %d pixels that are supported",
                       (long long)a->window[0], (long long)a->window[1], MOST_PIXELS);
    for (int i = 0; i < 2; i++)
        if (a->shift[i] >= a->window[i])
            return eg_fail(err, EG_RECIPE, "shift_size %lld must be below window_size %lld",
                           (long long)a->shift[i], (long long)a->window[i]);
    int64_t c = infer->inputs[0].dims[2];
    if (c % a->heads == 0) return true;
    return eg_fail(err, EG_RECIPE, "heads=%lld does not divide %lld channels", (long long)a->heads,
                   (long long)c);
}

/* A window that holds the whole image is not shifted. */
static bool infer(eg_infer *infer, eg_error *err)
{
    attr *a = infer->attr;
    const int64_t *x = infer->inputs[0].dims;
    if (!check_arguments(infer, a, err)) return false;
    for (int i = 0; i < 2; i++) {
        a->padded[i] = eg_div_up(x[i], a->window[i]) * a->window[i];
        if (a->window[i] >= a->padded[i]) a->shift[i] = 0;
    }
    /* The windows are laid out beside the image: they must be of a size that an activation may have. */
    if (!eg_infer_output(infer, (int64_t[]){a->padded[0], a->padded[1], x[2]}, 3, err)) return false;
    a->index = make_index(infer->arena, a);
    a->regions = make_regions(infer->arena, a);
    return eg_infer_same(infer, err) && infer_params(infer, a, err);
}

typedef struct job {
    const eg_call *call;
    const attr *a;
    int64_t h, w, c, t, windows, rows; /* windows of a sample; rows: pixels of all windows */
    eg_dense in, out;
    eg_attention attention;
} job;

static job make_job(const eg_net *net, const eg_node *node, int64_t batch)
{
    const int64_t *x = eg_node_input(net, node, 0)->dims;
    const attr *a = node->attr;
    job j = {.a = a, .h = x[0], .w = x[1], .c = x[2], .t = pixels_of(a)};
    j.windows = a->padded[0] * a->padded[1] / j.t;
    j.rows = batch * j.windows * j.t;
    j.in = (eg_dense){.rows = j.rows, .f = j.c, .k = 3 * j.c};
    j.out = (eg_dense){.rows = j.rows, .f = j.c, .k = j.c};
    j.attention = (eg_attention){.count = batch * j.windows,
                                 .t = j.t,
                                 .heads = a->heads,
                                 .width = j.c / a->heads,
                                 .regions = a->regions,
                                 .period = j.windows};
    return j;
}

/* Scratch: doubles first, for their alignment. */
typedef struct parts {
    double *bias_sums, *bias_total; /* (blocks, heads, t, t), (heads, t, t) */
    double *table;                  /* (table rows, heads) */
    void *columns;
    float *bias;                 /* (heads, t, t) */
    float *pixels, *heads, *qkv; /* (rows, c), (rows, c), (rows, 3c); backward: gradients */
    size_t size;                 /* in bytes */
} parts;

static parts find_parts(const job *j, bool backward, void *memory)
{
    int64_t squares = j->a->heads * j->t * j->t, blocks = eg_attention_blocks(j->attention.count, j->t);
    uint8_t *at = memory;
    size_t size = 0;
    struct {
        size_t bytes, at;
    } list[] = {
        {backward ? (size_t)(blocks * squares) * sizeof(double) : 0, 0},
        {backward ? (size_t)squares * sizeof(double) : 0, 0},
        {backward ? (size_t)(table_rows(j->a) * j->a->heads) * sizeof(double) : 0, 0},
        {backward ? eg_columns_scratch(j->rows, 3 * j->c) : 0, 0},
        {(size_t)squares * sizeof(float), 0},
        {(size_t)(j->rows * j->c) * sizeof(float), 0},
        {(size_t)(j->rows * j->c) * sizeof(float), 0},
        {(size_t)(3 * j->rows * j->c) * sizeof(float), 0},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        list[i].at = size;
        size += list[i].bytes;
    }
    if (!memory) return (parts){.size = size};
    return (parts){(double *)(void *)(at + list[0].at),
                   (double *)(void *)(at + list[1].at),
                   (double *)(void *)(at + list[2].at),
                   at + list[3].at,
                   (float *)(void *)(at + list[4].at),
                   (float *)(void *)(at + list[5].at),
                   (float *)(void *)(at + list[6].at),
                   (float *)(void *)(at + list[7].at),
                   size};
}

/* Kept: qkv (rows, 3c) and the heads' output (rows, c). */
static void memory(const eg_net *net, const eg_node *node, int64_t batch, bool training, eg_op_memory *out)
{
    job j = make_job(net, node, batch);
    *out = (eg_op_memory){.worker = eg_attention_worker(j.t), .scratch = find_parts(&j, training, NULL).size};
    if (training) out->saved = (size_t)(4 * j.rows * j.c) * sizeof(float);
}

/* The pixel of the image that is pixel i of a window, or -1: padding. */
static int64_t pixel_of(const job *j, int64_t window, int64_t i)
{
    const attr *a = j->a;
    int64_t across = a->padded[1] / a->window[1];
    int64_t row = (window / across * a->window[0] + i / a->window[1] + a->shift[0]) % a->padded[0];
    int64_t column = (window % across * a->window[1] + i % a->window[1] + a->shift[1]) % a->padded[1];
    return row < j->h && column < j->w ? row * j->w + column : -1;
}

typedef struct move {
    const job *j;
    const float *from;
    float *to;
} move;

static void gather_window(const void *context, int64_t task, int64_t last, int worker)
{
    (void)last, (void)worker;
    const move *m = context;
    const job *j = m->j;
    const float *image = m->from + task / j->windows * j->h * j->w * j->c;
    float *to = m->to + task * j->t * j->c;
    for (int64_t i = 0; i < j->t; i++, to += j->c) {
        int64_t pixel = pixel_of(j, task % j->windows, i);
        if (pixel < 0)
            memset(to, 0, (size_t)j->c * sizeof *to);
        else
            memcpy(to, image + pixel * j->c, (size_t)j->c * sizeof *to);
    }
}

static void scatter_window(const void *context, int64_t task, int64_t last, int worker)
{
    (void)last, (void)worker;
    const move *m = context;
    const job *j = m->j;
    float *image = m->to + task / j->windows * j->h * j->w * j->c;
    const float *from = m->from + task * j->t * j->c;
    for (int64_t i = 0; i < j->t; i++, from += j->c) {
        int64_t pixel = pixel_of(j, task % j->windows, i);
        if (pixel >= 0) memcpy(image + pixel * j->c, from, (size_t)j->c * sizeof *from);
    }
}

static void run_move(const job *j, eg_range_fn *range, const float *from, float *to)
{
    move m = {j, from, to};
    eg_range_run(j->call->pool, j->attention.count, 1, range, &m);
}

/* The bias table as (heads, t, t), in scratch. */
static void spread_table(const job *j, float *bias)
{
    const float *table = j->call->params[TABLE];
    int64_t heads = j->a->heads;
    for (int64_t head = 0; head < heads; head++)
        for (int64_t i = 0; i < j->t * j->t; i++) *bias++ = table[j->a->index[i] * heads + head];
}

static job start(const eg_call *call, bool backward, parts *p, float **qkv, float **heads)
{
    job j = make_job(call->net, call->node, call->batch);
    j.call = call;
    *p = find_parts(&j, backward, call->scratch);
    *qkv = call->saved ? call->saved : p->qkv;
    *heads = call->saved ? *qkv + 3 * j.rows * j.c : p->heads;
    j.in.pool = j.out.pool = j.attention.pool = call->pool;
    j.attention.worker = call->worker_scratch;
    j.attention.stride = call->worker_stride;
    j.attention.qkv = *qkv;
    j.attention.bias = p->bias;
    spread_table(&j, p->bias);
    return j;
}

static void forward(const eg_call *call)
{
    parts p;
    float *qkv, *heads;
    job j = start(call, false, &p, &qkv, &heads);
    run_move(&j, gather_window, call->x[0], p.pixels);
    eg_dense_forward(&j.in, p.pixels, call->params[QKV_WEIGHT], call->params[QKV_BIAS], qkv);
    eg_attention_forward(&j.attention, heads);
    eg_dense_forward(&j.out, heads, call->params[PROJ_WEIGHT], call->params[PROJ_BIAS], p.pixels);
    run_move(&j, scatter_window, p.pixels, call->y);
}

static void table_grad(const job *j, const parts *p)
{
    float *grad = j->call->grads[TABLE];
    int64_t heads = j->a->heads, size = j->t * j->t, rows = table_rows(j->a);
    eg_column_combine(eg_attention_blocks(j->attention.count, j->t), heads * size, p->bias_sums,
                      p->bias_total);
    memset(p->table, 0, (size_t)(rows * heads) * sizeof *p->table);
    for (int64_t head = 0; head < heads; head++)
        for (int64_t i = 0; i < size; i++)
            p->table[j->a->index[i] * heads + head] += p->bias_total[head * size + i];
    for (int64_t i = 0; i < rows * heads; i++)
        grad[i] = (j->call->add_grads[TABLE] ? grad[i] : 0) + (float)p->table[i];
}

static void backward(const eg_call *call)
{
    parts p;
    float *qkv, *heads;
    job j = start(call, true, &p, &qkv, &heads);
    run_move(&j, gather_window, call->dy, p.pixels);
    eg_dense_param_grads(call, &j.out, PROJ_WEIGHT, heads, p.pixels, p.columns);
    eg_dense_input_grad(&j.out, p.pixels, call->params[PROJ_WEIGHT], p.heads);
    eg_attention_backward(&j.attention, p.heads, p.qkv, call->grads[TABLE] ? p.bias_sums : NULL);
    if (call->grads[TABLE]) table_grad(&j, &p);
    run_move(&j, gather_window, call->x[0], p.pixels);
    eg_dense_param_grads(call, &j.in, QKV_WEIGHT, p.pixels, p.qkv, p.columns);
    if (!call->dx[0]) return;
    eg_dense_input_grad(&j.in, p.qkv, call->params[QKV_WEIGHT], p.heads);
    run_move(&j, scatter_window, p.heads, call->dx[0]);
}

static double flops(const eg_net *net, const eg_node *node)
{
    job j = make_job(net, node, 1);
    return 8 * (double)j.rows * (double)j.c * (double)j.c + (double)j.windows * eg_attention_flops(j.t, j.c);
}

static const eg_arg args[] = {
    {"window_size", EG_ARG_PAIR, offsetof(attr, window), NULL},
    {"shift_size", EG_ARG_PAIR, offsetof(attr, shift), NULL},
    {"heads", EG_ARG_INT, offsetof(attr, heads), NULL},
    {"qkv_bias", EG_ARG_BOOL, offsetof(attr, qkv_bias), "true"},
    {"proj_bias", EG_ARG_BOOL, offsetof(attr, proj_bias), "true"},
    {0},
};

const eg_op eg_op_shifted_window_attention = {
    .name = "shifted_window_attention",
    .type = "ShiftedWindowAttention",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .backward_reads_x = true,
    .products = true,
    .infer = infer,
    .memory = memory,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
