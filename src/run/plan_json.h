/* The plan as one JSON document. */
#ifndef ENGRAFT_RUN_PLAN_JSON_H
#define ENGRAFT_RUN_PLAN_JSON_H

#include "format/json.h"
#include "run/transfer.h"

/* {"ok", "summary", "steps", "unused", "phases", "problems"}. What the transfer did not come to (no plan, no
 * recipe) is empty; an error that is not among the problems becomes one. err may be NULL. The caller frees
 * the result. */
eg_json *eg_plan_json(const eg_transfer *transfer, const eg_problems *problems, const eg_error *err);

#endif
