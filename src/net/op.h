/* Operators: one file, one `const eg_op` each. An operator declares its arguments, infers its output's shape
 * and its parameters, says what memory it needs, and runs forward and backward.
 *
 * Activations are channels last: (n, h, w, c), (n, t, d) or (n, f), contiguous floats. Parameters keep
 * PyTorch's layouts. Work is cut into tasks by shape alone (see base/pool.h); sums over tasks run in a fixed
 * order. */
#ifndef ENGRAFT_NET_OP_H
#define ENGRAFT_NET_OP_H

#include "base/pool.h"
#include "base/rng.h"
#include "engraft/net.h"
#include "kernel/epilogue.h"

#define EG_OP_INPUTS 16

/* How the architecture language fills an operator's attr struct. */
typedef enum eg_arg_kind {
    EG_ARG_INT,     /* int64_t */
    EG_ARG_PAIR,    /* int64_t[2] (height, width): a number stands for both */
    EG_ARG_PADDING, /* int64_t[2] as PAIR, or 'same': {-1, -1} */
    EG_ARG_NUMBER,  /* double */
    EG_ARG_BOOL,    /* bool */
    EG_ARG_CHOICE,  /* int64_t: the position of the given word among those of `standard`, "row|batch"; the
                       default  is the first */
    EG_ARG_SIZES,   /* eg_sizes: a list of whole numbers, at least 0; a number stands for a list of one */
} eg_arg_kind;

enum { EG_SIZES = 8 };

typedef struct eg_sizes {
    int64_t count, items[EG_SIZES];
} eg_sizes;

typedef struct eg_arg {
    const char *name;
    eg_arg_kind kind;
    size_t offset; /* in the attr struct */
    const char
        *standard; /* the default as an expression ("1", "false", "none"); NULL: must be given. `none` is
                      stored as {-1, -1} in a PAIR and as NaN in a NUMBER; other kinds do not take it */
} eg_arg;

/* What infer works on. */
typedef struct eg_infer {
    eg_arena *arena;
    void *attr; /* filled from the arguments; infer may complete it */
    const eg_value *inputs;
    int32_t input_count;
    eg_value output;                 /* to be filled */
    eg_param params[EG_NODE_PARAMS]; /* to be filled, `name` short ("weight"), in PyTorch's order; absent ones
                                        (no bias, affine=false) keep name NULL, so that a parameter's position
                                        says what it is */
    int32_t param_count;
} eg_infer;

/* Memory of a node for at most `batch` samples, in bytes. */
typedef struct eg_op_memory {
    size_t saved;   /* kept from forward to backward; the call's is NULL where no backward follows */
    size_t scratch; /* one for the node, contents undefined between calls */
    size_t worker;  /* one for each worker */
} eg_op_memory;

/* Everything that an operator may touch while it runs. */
typedef struct eg_call {
    const eg_net *net;
    const eg_node *node;
    eg_pool *pool;
    int64_t batch;         /* samples in this call */
    bool again;            /* the last forward once more, see eg_op's cheap */
    bool training;         /* dropout draws, and batch_norm obeys `batch_norm`; otherwise inference */
    eg_bn_mode batch_norm; /* EG_BN_EVAL, EG_BN_TRAIN_STATS or EG_BN_TRAIN_AFFINE, or EG_BN_DEFAULT: train
                              everything */
    eg_stream stream;      /* of this node and step, for dropout */
    const float *x[EG_OP_INPUTS];
    float *y;
    const float *dy;
    float *dx[EG_OP_INPUTS];   /* to be overwritten; NULL: not wanted; dy: see eg_op's writes_over_dy */
    bool add_dx[EG_OP_INPUTS]; /* to be added to instead; only where the operator `adds_dx` */
    /* What follows in the same pass, for operators that net/fuse.h names. A residual is x[input_count], and
     * its gradient goes to dx[input_count]. */
    eg_epilogue epilogue;
    /* What x[0] goes through on the way in, for operators that map x: x[0] is then what comes before. */
    eg_epilogue prologue;
    float *line; /* batch_norm2d: scale and shift (c each) go here, and y is not made: a reader maps x; or
                    NULL */
    void *params[EG_NODE_PARAMS]; /* NULL: absent. Only batch statistics may be written */
    float *grads[EG_NODE_PARAMS]; /* to be overwritten; NULL: not wanted */
    bool *add_grads; /* per parameter: true when a shared parameter's gradient must be added to instead */
    void *saved;
    void *scratch;
    bool packed; /* scratch still holds what an earlier call of this node made of the same parameters */
    uint8_t *worker_scratch; /* worker w's starts at w * worker_stride */
    size_t worker_stride;
} eg_call;

typedef struct eg_op {
    const char *name; /* in the architecture language */
    const char *type; /* PyTorch's module class, for people: "Conv2d" */
    size_t attr_size;
    const eg_arg *args;             /* in positional order; ends with a NULL name; NULL: none */
    int32_t min_inputs, max_inputs; /* 0, 0: its output is made of parameters alone */
    int64_t version;                /* of the module in PyTorch's _metadata: 2 for batch_norm2d, else 1 */
    bool backward_reads_x;          /* backward needs its inputs: they are kept */
    bool backward_reads_y;
    /* A forward takes little time beside reading its input, which backward needs anyway, and may run again
     * with the same bits: `again`, after a forward and before the backward. Then its result need not be kept.
     */
    bool cheap;
    /* Where the operator gives several values (chunk): how many of this input; each is made by a node of its
     * own whose attr, which starts with an int64_t, says which. NULL: one value. 0: none fits, which infer
     * tells. */
    int64_t (*pieces)(const void *attr, const eg_value *x);
    bool view; /* output shares the input's memory (flatten): no forward or backward of its own */
    /* False and a sentence in err (which names neither path nor place: the caller knows them). */
    bool (*infer)(eg_infer *infer, eg_error *err);
    /* Of operators that are an activation: which. NULL: none. */
    eg_activation (*activation)(const void *attr, float *slope);
    /* It makes matrix products, whose rounding depends on where in the matrix a row stands: a sample's last
     * bits depend on its batch, unless every sample is a call of its own. */
    bool products;
    /* Whether it draws at random in training; NULL: never. */
    bool (*draws)(const void *attr);
    /* Backward takes one dx that it is not to add to in dy's own memory, whose contents are then lost: the
     * residual's, else the first input's, which has the output's shape. */
    bool writes_over_dy;
    /* Whether backward obeys add_dx; NULL: it does not. */
    bool (*adds_dx)(const eg_net *net, const eg_node *node);
    /* Whether forward and backward obey the prologue; NULL: they do not. */
    bool (*maps_x)(const eg_net *net, const eg_node *node);
    /* training: a backward follows. NULL: no memory. */
    void (*memory)(const eg_net *net, const eg_node *node, int64_t batch, bool training, eg_op_memory *out);
    void (*forward)(const eg_call *call);
    void (*backward)(const eg_call *call);
    double (*flops)(const eg_net *net, const eg_node *node); /* of one sample's forward pass; NULL: 0 */
} eg_op;

/* The operator of that name, or NULL; and all of them, for suggestions and documentation. */
const eg_op *eg_op_find(const char *name);
const eg_op *const *eg_op_list(size_t *count);

/* Shapes of a node's values. */
static inline const eg_value *eg_node_input(const eg_net *net, const eg_node *node, int i)
{
    return &net->values[node->inputs[i]];
}

static inline const eg_value *eg_node_output(const eg_net *net, const eg_node *node)
{
    return &net->values[node->output];
}

#endif
