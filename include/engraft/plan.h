/* The plan: which source tensor becomes which parameter, and why. Deciding reads names, dtypes and shapes,
 * never tensor bytes; applying has no opinions.
 *
 * One row per target tensor; the first row that fits wins.
 *
 *   | sources that map to it | shape   | recipe says                | step      | reason shown |
 *   |------------------------|---------|----------------------------|-----------|----------------------------------|
 *   | any                    | –       | `skip` matches the target  | INIT      | skip '…' | | 0 | –       |
 * num_batches_tracked        | DEFAULT   | 0, as PyTorch does for old files | | 0                      | – |
 * `missing: init`            | INIT      | no source maps here              | | 0                      | – |
 * `missing: error` (default) | refused   | no source maps here              | | >= 2                   | – |
 * `on_conflict: error`       | refused   | names both sources and rules     | | 1                      | any
 * | `head` names the target    | TRANSFORM | rows by class                    | | 1                      |
 * same    | –                          | COPY/CAST | equal shape, rule n              | | several, or
 * reshaped   | same    | concat, stack, transform … | TRANSFORM | rule n                           | | 1 |
 * differs | `size_mismatch: skip`      | INIT      | shape a is not b                 | | 1 | differs |
 * adapt_input, overlap, …    | TRANSFORM | shape a to b by the policy       | | 1                      |
 * differs | `size_mismatch: error`     | refused   | shape a is not b                 |
 *
 * Every source tensor ends as used, dropped (by a rule), skipped (its target is) or unexpected (refused
 * unless `unexpected: ignore`). */
#ifndef ENGRAFT_PLAN_H
#define ENGRAFT_PLAN_H

#include "engraft/net.h"
#include "engraft/problem.h"
#include "engraft/recipe.h"
#include "engraft/tensor.h"

struct eg_weights;
struct eg_keymap;

typedef enum eg_action {
    EG_ACTION_COPY,      /* same shape and dtype */
    EG_ACTION_CAST,      /* same shape, converted to the target's dtype */
    EG_ACTION_TRANSFORM, /* put together from pieces of sources */
    EG_ACTION_INIT,      /* drawn from `init` */
    EG_ACTION_DEFAULT,   /* a counter that old files lack: 0 */
    EG_ACTION_COUNT,
} eg_action;

const char *eg_action_name(eg_action action);

/* A part of a source tensor, and where it goes. Reshaping moves no value: it is another view of the same
 * bytes. */
typedef struct eg_piece {
    const eg_entry *source; /* in the store */
    eg_entry view;          /* of the source's storage; as many dims as the mosaic */
    const int64_t *at;      /* where its first element lands, per dim */
    float scale;
    bool add; /* to what earlier pieces have put there */
} eg_piece;

/* A tensor put together from pieces, in order. */
typedef struct eg_mosaic {
    eg_dtype dtype;
    eg_shape shape;
    const eg_piece *pieces;
    size_t count;
    bool partial; /* what no piece covers is drawn */
} eg_mosaic;

typedef struct eg_step {
    int32_t param; /* position in the net's params */
    eg_action action;
    const eg_entry *source; /* COPY, CAST; TRANSFORM: the first of them */
    const eg_mosaic *value; /* COPY, CAST, TRANSFORM */
    const char *rule;       /* the recipe's words that decided, or NULL */
    const char *reason;     /* for people */
    eg_init init;           /* INIT, DEFAULT: complete, never EG_INIT_DEFAULT */
    int32_t tied;           /* the parameter whose storage it shares, an earlier one; -1: none */
    bool frozen; /* parameters that do not train, and all their layer's buffers with eval statistics */
} eg_step;

typedef enum eg_fate {
    EG_FATE_USED,
    EG_FATE_DROPPED,
    EG_FATE_SKIPPED,
    EG_FATE_UNEXPECTED,
    EG_FATE_COUNT
} eg_fate;

const char *eg_fate_name(eg_fate fate);

/* What became of one source tensor. */
typedef struct eg_plan_source {
    const eg_entry *entry;
    const char *mapped; /* its name after all rules, or that of what it became part of; NULL when dropped */
    eg_fate fate;
    const char *reason;
} eg_plan_source;

typedef struct eg_plan_rule {
    const eg_rule *rule;
    size_t changed; /* names that it renamed or dropped */
} eg_plan_rule;

typedef struct eg_plan {
    const eg_net *net;
    const struct eg_keymap *keymap; /* how every name came about */
    eg_step *steps;                 /* one per param of the net, same order */
    size_t step_count;
    eg_plan_source *sources; /* one per source tensor, file order */
    size_t source_count;
    eg_plan_rule *rules;
    size_t rule_count;
    eg_bn_mode *batch_norm; /* per node; EG_BN_DEFAULT for nodes without batch statistics that nothing says
                               otherwise of */
    size_t loaded, initialized, defaulted;
    size_t used, dropped, skipped, unexpected;
    uint64_t params_total, params_trainable; /* elements of parameters, not buffers */
    bool ok;
} eg_plan;

/* Decides everything. source may be NULL (training from scratch). The plan is returned even when it is
 * refused, so that it can be shown: then plan->ok is false and problems say why, with proposals. NULL only
 * when deciding itself failed (a pattern hit its limit): err is filled. */
const eg_plan *eg_plan_build(eg_arena *arena, const eg_recipe *recipe, const eg_net *net,
                             const eg_store *source, eg_problems *problems, eg_error *err);

/* How many target tensors would find a source tensor of their shape, with the recipe's rules and those that a
 * diagnosis would propose. */
size_t eg_plan_reach(eg_arena *arena, const eg_recipe *recipe, const eg_net *net, const eg_store *source);

/* For people: rule by rule, folded indices, counts; colour when asked for. */
void eg_plan_print(const eg_plan *plan, FILE *out, bool colour);
/* The names of the source tensors that a step takes something from, each once; none for a drawn one. */
const char *const *eg_step_sources(eg_arena *arena, const eg_step *step, size_t *count);
/* The model's, the pretrained and the transferred key lists. */
void eg_plan_print_keys(const eg_plan *plan, FILE *out);

/* Makes one tensor: numel elements of its parameter's dtype, contiguous, at out. */
bool eg_step_apply(const eg_plan *plan, const eg_step *step, uint64_t seed, void *out, eg_error *err);
/* Fills the parameter block of the plan's net: copies, casts and draws. `weights` is the block of
 * src/net/weights.h. */
bool eg_plan_apply(const eg_plan *plan, uint64_t seed, struct eg_weights *weights, eg_error *err);
/* What applying would give, as a store in the order of the steps that needs no block: copies are views of the
 * source's file, everything else is made when it is loaded, and may be unloaded. Names have `prefix` before
 * them. In the arena; plan and source must outlive it. */
eg_store eg_plan_store(eg_arena *arena, const eg_plan *plan, uint64_t seed, const char *prefix);

#endif
