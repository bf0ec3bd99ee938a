/* `engraft plan --junit`: the plan's checks as test cases, in the XML that Jenkins and GitLab read. */
#ifndef ENGRAFT_RUN_PLAN_JUNIT_H
#define ENGRAFT_RUN_PLAN_JUNIT_H

#include "run/transfer.h"

/* One <testsuite>: the cover of both sides, every rule's coverage, every contract under `expect`, and every
 * problem as a failing case of its own. err is why there is no plan, or empty. The same plan gives the same
 * bytes: no time and no machine is told. */
bool eg_plan_junit_write(const char *path, const eg_transfer *transfer, const eg_run_options *options,
                         const eg_error *why, eg_error *err);

#endif
