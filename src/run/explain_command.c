/* engraft explain: the life of one key. */
#include "engraft/run.h"
#include "plan/explain.h"
#include "run/transfer.h"

bool eg_run_explain(const eg_run_options *options, eg_error *err)
{
    eg_arena arena = {0};
    eg_transfer transfer = {0};
    eg_error why = {0};
    bool ok = eg_transfer_open(&transfer, &arena, options, &why);
    if (transfer.plan && !eg_plan_explain(transfer.plan, options->key, stdout, err)) ok = false;
    if (!ok && err && err->code == EG_OK) *err = why;
    eg_transfer_close(&transfer);
    eg_arena_clear(&arena);
    return ok;
}
