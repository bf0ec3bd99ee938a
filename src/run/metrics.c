#include "run/metrics.h"

#include <inttypes.h>

#include "base/log.h"

static double rate(const eg_metrics *metrics)
{
    return metrics->seconds > 0 ? (double)metrics->train.samples / metrics->seconds : 0;
}

static void add_rates(eg_buf *line, const eg_metrics *metrics, const char *format)
{
    for (size_t g = 0; g < metrics->phase->groups->count; g++) {
        if (g) eg_buf_puts(line, ", ");
        eg_buf_printf(line, format, metrics->lr[g]); // NOLINT(clang-diagnostic-format-nonliteral)
    }
}

/* Escaped as JSON; a phase's name is valid UTF-8, since the recipe is. */
static void add_text(eg_buf *line, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            eg_buf_printf(line, "\\%c", c);
        else if (c < 0x20)
            eg_buf_printf(line, "\\u%04x", c);
        else
            eg_buf_add(line, text, 1);
    }
}

/* All numbers are finite: a training that is not has ended before it is reported. */
static void add_json(eg_buf *line, const eg_metrics *metrics)
{
    eg_buf_puts(line, "{\"phase\": \"");
    add_text(line, metrics->phase->name);
    eg_buf_printf(line, "\", \"event\": \"%s\", \"epoch\": %" PRId64 ", \"step\": %" PRId64 ", \"lr\": [",
                  metrics->epoch_end ? "epoch" : "step", metrics->epoch, metrics->step);
    add_rates(line, metrics, "%.9g");
    eg_buf_printf(line, "], \"loss\": %.9g, \"accuracy\": %.9g, \"images_per_s\": %.1f, \"seconds\": %.6f",
                  eg_score_loss(&metrics->train), eg_score_accuracy(&metrics->train), rate(metrics),
                  metrics->seconds);
    if (metrics->val)
        eg_buf_printf(
            line, ", \"val_loss\": %.9g, \"val_accuracy\": %.9g, \"val_top5\": %.9g, \"val_macro_f1\": %.9g",
            eg_score_loss(metrics->val), eg_score_accuracy(metrics->val), eg_score_top5(metrics->val),
            metrics->macro_f1);
    if (metrics->epoch_end)
        eg_buf_printf(line, ", \"best\": %s, \"stop\": %s", metrics->best ? "true" : "false",
                      metrics->stop ? "true" : "false");
    eg_buf_puts(line, "}\n");
}

static void tell(eg_buf *line, const eg_metrics *metrics, bool named)
{
    line->length = 0;
    if (named) eg_buf_printf(line, "%s  ", metrics->phase->name);
    eg_buf_printf(line, "epoch %*" PRId64 "/%" PRId64 "   loss %.4f", metrics->epochs > 99 ? 3 : 2,
                  metrics->epoch, metrics->epochs, eg_score_loss(&metrics->train));
    if (metrics->val)
        eg_buf_printf(line, "   val loss %.4f   val accuracy %.4f", eg_score_loss(metrics->val),
                      eg_score_accuracy(metrics->val));
    eg_buf_puts(line, "   lr ");
    add_rates(line, metrics, "%.3g");
    eg_buf_printf(line, "   %.0f images/s%s%s", rate(metrics), metrics->val && metrics->best ? "   best" : "",
                  metrics->stop ? "   stopped early" : "");
    eg_log("%s", line->data);
}

bool eg_metrics_report(eg_metrics_log *log, const eg_metrics *metrics, eg_error *err)
{
    log->line.length = 0;
    add_json(&log->line, metrics);
    if (log->file && !eg_output_write(log->file, log->line.data, log->line.length, err)) return false;
    if (metrics->epoch_end) tell(&log->line, metrics, log->named);
    return true;
}

void eg_metrics_clear(eg_metrics_log *log)
{
    eg_buf_clear(&log->line);
}
