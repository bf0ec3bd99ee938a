/* engraft plan: the plan for people, as key lists, or as JSON. No tensor byte is read. */
#include "base/log.h"
#include "engraft/run.h"
#include "run/inverse.h"
#include "run/phase_table.h"
#include "run/plan_json.h"
#include "run/plan_junit.h"
#include "run/transfer.h"

static bool print_json(const eg_transfer *transfer, const eg_run_options *options, const eg_error *why,
                       eg_error *err)
{
    eg_json *json = eg_plan_json(transfer, options->problems, why);
    bool ok = eg_json_print(json, stdout, err);
    eg_json_free(json);
    return ok;
}

static void print_text(const eg_transfer *transfer)
{
    eg_plan_print(transfer->plan, stdout, eg_log_colour(stdout));
    if (transfer->costs) eg_phase_table_print(transfer->recipe, transfer->phases, transfer->costs);
}

bool eg_run_plan(const eg_run_options *options, eg_error *err)
{
    eg_arena arena = {0};
    eg_transfer transfer = {0};
    eg_error why = {0};
    if (options->out && !options->reverse)
        return eg_fail(err, EG_USAGE,
                       "-o FILE belongs to `engraft plan --reverse`: it is where the inverse recipe goes");
    bool ok = eg_transfer_open(&transfer, &arena, options, &why);
    if (options->junit && !eg_plan_junit_write(options->junit, &transfer, options, &why, err)) ok = false;
    if (options->reverse && ok)
        ok = eg_reverse_tell(&transfer, &arena, options, &why);
    else if (options->json)
        ok = print_json(&transfer, options, &why, err) && ok;
    else if (transfer.plan && options->keys)
        eg_plan_print_keys(transfer.plan, stdout);
    else if (transfer.plan)
        print_text(&transfer);
    if (!ok && err && err->code == EG_OK) *err = why;
    eg_transfer_close(&transfer);
    eg_arena_clear(&arena);
    return ok;
}
