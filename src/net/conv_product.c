/* Convolution as matrix products, without a copy of the input larger than a cache:
 *
 *   forward       y (rows, k)        = cols (rows, t*c) * W^T         a task: a block of positions (and of k,
 * when few) input grad    cols (rows, t*c)   = dy (rows, k) * W, then col2im  a task: a few whole images
 *   weight grad   dW (k, columns)    = dy^T (k, rows) * cols          a task: some columns and some k, over
 * all rows
 *
 * cols is made a block at a time (im2col). W is packed as (k, t, c). Weight gradients need partial sums only
 * where there are too few columns and k for enough tasks: then the rows are cut too, and the parts are added
 * in order. */
#include <string.h>

#include "kernel/elementwise.h"
#include "kernel/gemm.h"
#include "kernel/im2col.h"
#include "net/columns.h"
#include "net/conv.h"
#include "net/range.h"

enum {
    COLS = 1 << 17,       /* floats of a block of cols: half a MiB */
    FORWARD_WIDTH = 1024, /* columns of a block, forward and input grad */
    WEIGHT_WIDTH = 256,   /* columns of a task, weight grad */
    WEIGHT_SLICE = 128,   /* k of a task, weight grad */
    ENOUGH_ROWS = 192,    /* a product with fewer rows falls well below its best speed */
    MOST_ROWS = 4096,
    ENOUGH_TASKS = 16,
    ROWS_PER_PART = 1024,
};

/* Sizes that everything below is cut by. */
typedef struct cut {
    const eg_conv *conv;
    const eg_call *call;
    int64_t c, k, t;        /* of one group; taps */
    int64_t positions;      /* n * p * q */
    int64_t taps, rows;     /* of a block of cols */
    int64_t slice, slices;  /* forward: output channels of a task */
    const float *weight;    /* (k, t, c) */
    int64_t width, columns; /* weight grad: columns of a task; how many such */
    int64_t k_slices;
    int64_t part_rows, parts;
    float *sums; /* (parts, all k, t, c) */
} cut;

static int64_t block_rows(int64_t width)
{
    return eg_clamp(COLS / width, ENOUGH_ROWS, MOST_ROWS);
}

static cut make_cut(const eg_conv *conv, int64_t batch)
{
    const eg_grid *g = &conv->grid;
    cut u = {.conv = conv, .c = g->c / conv->groups, .k = conv->k / conv->groups, .t = g->r * g->s};
    u.positions = batch * g->p * g->q;
    u.taps = eg_clamp(FORWARD_WIDTH / u.c, 1, u.t);
    u.rows = block_rows(u.taps * u.c);
    int64_t tiles = eg_div_up(u.positions, u.rows) * conv->groups;
    u.slices = tiles >= ENOUGH_TASKS / 2 ? 1 : eg_clamp(ENOUGH_TASKS / 2 / tiles, 1, eg_div_up(u.k, 64));
    u.slice = eg_div_up(u.k, u.slices);
    u.slices = eg_div_up(u.k, u.slice);
    return u;
}

/* Columns of the weight's gradient: all channels of a few taps, or some channels of one. */
static void cut_weight_grad(cut *u)
{
    u->width = u->c >= WEIGHT_WIDTH ? WEIGHT_WIDTH : u->c * eg_clamp(WEIGHT_WIDTH / u->c, 1, u->t);
    u->columns =
        u->c >= WEIGHT_WIDTH ? u->t * eg_div_up(u->c, WEIGHT_WIDTH) : eg_div_up(u->t, u->width / u->c);
    u->k_slices = eg_div_up(u->k, WEIGHT_SLICE);
    int64_t tasks = u->columns * u->k_slices * u->conv->groups;
    int64_t most = eg_div_up(u->positions, ROWS_PER_PART);
    u->parts = tasks >= ENOUGH_TASKS ? 1 : eg_clamp(eg_div_up(ENOUGH_TASKS, tasks), 1, most);
    u->part_rows = eg_div_up(u->positions, u->parts);
    u->parts = eg_div_up(u->positions, u->part_rows);
}

static bool direct_weight_grad(const cut *u)
{
    return u->t == 1 && u->parts == 1;
}

static int64_t weight_rows(const cut *u)
{
    return eg_clamp(COLS / u->width, ENOUGH_ROWS, MOST_ROWS);
}

void eg_conv_product_memory(const eg_conv *conv, int64_t batch, bool training, eg_op_memory *out)
{
    cut u = make_cut(conv, batch);
    int64_t weights = conv->k * u.t * u.c, size = (int64_t)sizeof(float);
    *out = (eg_op_memory){0};
    if (u.t > 1) out->scratch = (size_t)(weights * size);
    out->worker = (size_t)(eg_least(u.rows, u.positions) * u.taps * u.c * size);
    if (!training) return;
    cut_weight_grad(&u);
    /* The most that any smaller batch may have: their number does not always grow with the rows. */
    int64_t parts = u.parts == 1 ? 1 : eg_div_up(ENOUGH_TASKS, u.columns * u.k_slices * conv->groups);
    if (!direct_weight_grad(&u))
        out->scratch = eg_conv_larger(out->scratch, (size_t)(parts * weights * size));
    out->scratch = eg_conv_larger(out->scratch, eg_columns_scratch(u.positions, conv->k));
    out->worker =
        eg_conv_larger(out->worker, (size_t)(eg_least(weight_rows(&u), u.positions) * u.width * size));
}

static float *worker_cols(const eg_call *call, int worker)
{
    return (float *)(void *)(call->worker_scratch + (size_t)worker * call->worker_stride);
}

typedef struct packing {
    const cut *u;
    const float *from;
    float *to;
} packing;

static void pack_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const packing *p = context;
    int64_t size = p->u->c * p->u->t;
    eg_weight_pack(end - begin, p->u->c, p->u->t, p->from + begin * size, p->to + begin * size);
}

/* W as (k, t, c): the parameter itself when there is one tap. */
static const float *packed_weight(const cut *u)
{
    const float *weight = u->call->params[EG_CONV_WEIGHT];
    if (u->t == 1) return weight;
    packing p = {u, weight, u->call->scratch};
    if (!u->call->packed)
        eg_range_run(u->call->pool, u->conv->k, eg_clamp(EG_GRAIN / (u->c * u->t), 1, u->conv->k), pack_range,
                     &p);
    return p.to;
}

/* rows of y from `first` on, `count` of group `group`'s output channels from `k` on. */
static void forward_block(const cut *u, int64_t first, int64_t rows, int64_t group, int64_t k, int64_t count,
                          int worker)
{
    const eg_call *call = u->call;
    int64_t channel = group * u->c, out = group * u->k + k, ld = u->t * u->c;
    float *y = call->y + first * u->conv->k + out;
    for (int64_t tap = 0; tap < u->t; tap += u->taps) {
        int64_t taps = tap + u->taps < u->t ? u->taps : u->t - tap;
        eg_patch patch = {first, rows, tap, taps, channel, u->c};
        float *cols = worker_cols(call, worker);
        eg_im2col(&u->conv->grid, &patch, call->x[0], cols);
        eg_matrix a = {cols, taps * u->c, false};
        eg_matrix b = {u->weight + out * ld + tap * u->c, ld, true};
        eg_gemm(rows, count, taps * u->c, a, b, y, u->conv->k, tap > 0);
    }
    eg_epilogue epilogue = eg_conv_epilogue(call);
    epilogue = eg_epilogue_at(&epilogue, first * u->conv->k, out);
    if (!eg_epilogue_is_empty(&epilogue)) eg_epilogue_apply(rows, count, u->conv->k, y, &epilogue, y);
}

static void forward_task(const void *context, int64_t task, int64_t end, int worker)
{
    (void)end;
    const cut *u = context;
    int64_t slice = task % u->slices, group = task / u->slices % u->conv->groups;
    int64_t first = task / u->slices / u->conv->groups * u->rows, k = slice * u->slice;
    int64_t rows = first + u->rows < u->positions ? u->rows : u->positions - first;
    forward_block(u, first, rows, group, k, k + u->slice < u->k ? u->slice : u->k - k, worker);
}

void eg_conv_product_forward(const eg_conv *conv, const eg_call *call)
{
    cut u = make_cut(conv, call->batch);
    u.call = call;
    u.weight = packed_weight(&u);
    eg_range_run(call->pool, eg_div_up(u.positions, u.rows) * conv->groups * u.slices, 1, forward_task, &u);
}

static void input_grad_block(const cut *u, int64_t first, int64_t rows, int64_t group, float *cols)
{
    int64_t ld = u->t * u->c, out = group * u->k;
    for (int64_t tap = 0; tap < u->t; tap += u->taps) {
        int64_t taps = tap + u->taps < u->t ? u->taps : u->t - tap;
        eg_patch patch = {first, rows, tap, taps, group * u->c, u->c};
        eg_matrix a = {u->call->dy + first * u->conv->k + out, u->conv->k, false};
        eg_matrix b = {u->weight + out * ld + tap * u->c, ld, false};
        eg_gemm(rows, taps * u->c, u->k, a, b, cols, taps * u->c, false);
        eg_col2im(&u->conv->grid, &patch, cols, u->call->dx[0]);
    }
}

/* Whole images, since windows overlap. */
static void images_input_grad(const void *context, int64_t begin, int64_t end, int worker)
{
    const cut *u = context;
    const eg_grid *g = &u->conv->grid;
    int64_t image = g->h * g->w * g->c, last = end * g->p * g->q;
    if (!u->call->add_dx[0])
        memset(u->call->dx[0] + begin * image, 0, (size_t)((end - begin) * image) * sizeof(float));
    for (int64_t first = begin * g->p * g->q; first < last; first += u->rows)
        for (int64_t group = 0; group < u->conv->groups; group++)
            input_grad_block(u, first, first + u->rows < last ? u->rows : last - first, group,
                             worker_cols(u->call, worker));
}

static void input_grad(cut *u)
{
    const eg_grid *g = &u->conv->grid;
    u->weight = packed_weight(u);
    eg_range_run(u->call->pool, u->call->batch, eg_div_up(ENOUGH_ROWS, g->p * g->q), images_input_grad, u);
}

/* sums (count, columns `column` …) = dy^T * cols over the rows begin … end-1. */
static void weight_grad_block(const cut *u, eg_patch patch, int64_t end, int64_t out, int64_t count,
                              float *sums, bool accumulate, float *cols)
{
    const eg_call *call = u->call;
    int64_t step = weight_rows(u);
    for (int64_t first = patch.first; first < end; first += step, accumulate = true) {
        patch.first = first;
        patch.rows = first + step < end ? step : end - first;
        eg_matrix a = {call->dy + first * u->conv->k + out, u->conv->k, true};
        eg_im2col(&u->conv->grid, &patch, call->x[0], cols);
        eg_matrix b = {cols, patch.taps * patch.width, false};
        eg_gemm(count, patch.taps * patch.width, patch.rows, a, b, sums, u->t * u->c, accumulate);
    }
}

static void weight_grad_task(const void *context, int64_t task, int64_t last, int worker)
{
    (void)last;
    const cut *u = context;
    int64_t column = task % u->columns, slice = task / u->columns % u->k_slices;
    int64_t group = task / u->columns / u->k_slices % u->conv->groups;
    int64_t part = task / u->columns / u->k_slices / u->conv->groups;
    int64_t first = part * u->part_rows,
            end = first + u->part_rows < u->positions ? first + u->part_rows : u->positions;
    int64_t at = column * u->width, channel = 0, width = u->c; /* at: first column */
    if (u->c >= WEIGHT_WIDTH) {
        int64_t blocks = eg_div_up(u->c, WEIGHT_WIDTH);
        channel = column % blocks * WEIGHT_WIDTH;
        width = channel + WEIGHT_WIDTH < u->c ? WEIGHT_WIDTH : u->c - channel;
        at = column / blocks * u->c + channel;
    }
    int64_t tap = at / u->c, taps = u->c >= WEIGHT_WIDTH ? 1 : eg_clamp(u->width / u->c, 1, u->t - tap);
    int64_t k = slice * WEIGHT_SLICE, count = k + WEIGHT_SLICE < u->k ? WEIGHT_SLICE : u->k - k;
    int64_t out = group * u->k + k, ld = u->t * u->c;
    eg_patch patch = {first, 0, tap, taps, group * u->c + channel, width};
    bool direct = direct_weight_grad(u);
    float *sums = direct ? u->call->grads[EG_CONV_WEIGHT] : u->sums + part * u->conv->k * ld;
    weight_grad_block(u, patch, end, out, count, sums + out * ld + at,
                      direct && u->call->add_grads[EG_CONV_WEIGHT], worker_cols(u->call, worker));
}

static void unpack_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const cut *u = context;
    int64_t size = u->c * u->t;
    eg_weight_unpack(end - begin, u->c, u->t, u->parts, u->conv->k * size, u->sums + begin * size,
                     u->call->grads[EG_CONV_WEIGHT] + begin * size, u->call->add_grads[EG_CONV_WEIGHT]);
}

static void weight_grad(cut *u)
{
    cut_weight_grad(u);
    u->sums = u->call->scratch;
    eg_range_run(u->call->pool, u->columns * u->k_slices * u->conv->groups * u->parts, 1, weight_grad_task,
                 u);
    if (!direct_weight_grad(u))
        eg_range_run(u->call->pool, u->conv->k, eg_clamp(EG_GRAIN / (u->c * u->t), 1, u->conv->k),
                     unpack_range, u);
}

void eg_conv_product_backward(const eg_conv *conv, const eg_call *call)
{
    cut u = make_cut(conv, call->batch);
    u.call = call;
    if (call->dx[0]) input_grad(&u);
    if (call->grads[EG_CONV_WEIGHT]) weight_grad(&u);
    if (call->grads[EG_CONV_BIAS])
        eg_columns_sum(call->pool, u.positions, conv->k, call->dy, call->scratch, call->grads[EG_CONV_BIAS],
                       call->add_grads[EG_CONV_BIAS]);
}
