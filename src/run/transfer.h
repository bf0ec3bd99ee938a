/* What stands before every run, plan and evaluation: the recipe, its network, the source's headers, and the
 * plan. */
#ifndef ENGRAFT_RUN_TRANSFER_H
#define ENGRAFT_RUN_TRANSFER_H

#include "engraft/checkpoint.h"
#include "engraft/plan.h"
#include "engraft/run.h"
#include "net/weights.h"
#include "train/cost.h"

typedef struct eg_transfer {
    const eg_recipe *recipe;
    const eg_net *net;
    eg_checkpoint *source; /* NULL: from scratch, or a manifest */
    eg_store manifest;     /* source.checkpoint is one: what there is to plan against */
    bool is_manifest;
    const eg_store *store; /* of either, under the names that rules see; NULL: from scratch */
    const eg_plan *plan;
    const eg_phases *phases;    /* NULL: the recipe has no train section */
    const eg_phase_cost *costs; /* one a phase, on one thread: the same on every machine */
} eg_transfer;

/* Reads recipe, architecture and the source's headers, and decides. False when anything is wrong or the plan
 * is refused: what was read until then is there to be shown, a refused plan among it. Warnings are told at
 * once. The arena owns all but the source. With options->from the source is that file, and it is taken as it
 * is: the recipe's transfer has been done. */
bool eg_transfer_open(eg_transfer *transfer, eg_arena *arena, const eg_run_options *options, eg_error *err);
void eg_transfer_close(eg_transfer *transfer);
/* Compares the source's SHA-256 with source.sha256, where the recipe has one (EG_MISMATCH). */
bool eg_transfer_check_digest(const eg_transfer *transfer, const char *sha256, eg_error *err);
/* Says on standard error how exactly numbers with more digits than a float has were cast. */
bool eg_transfer_tell_casts(const eg_plan *plan, eg_error *err);
/* Makes the weights and fills them as planned, after comparing the source with source.sha256 (EG_MISMATCH).
 */
bool eg_transfer_apply(const eg_transfer *transfer, eg_arena *arena, eg_weights *weights, eg_error *err);

#endif
