/* What a training tells: metrics.jsonl (one object a step, one an epoch), and one line an epoch for people.
 */
#ifndef ENGRAFT_RUN_METRICS_H
#define ENGRAFT_RUN_METRICS_H

#include "base/file.h"
#include "base/str.h"
#include "train/trainer.h"

typedef struct eg_metrics_log {
    eg_output *file; /* borrowed; NULL: lines for people only */
    eg_buf line;     /* reused, so that a step allocates nothing */
    bool named;      /* there are several phases: lines for people name theirs */
} eg_metrics_log;

bool eg_metrics_report(eg_metrics_log *log, const eg_metrics *metrics, eg_error *err);
void eg_metrics_clear(eg_metrics_log *log);

#endif
