#include "run/page.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "run/chart.h"
#include "run/history.h"
#include "run/phase_table.h"

static const char head[] =
    "<style>\n"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}\n"
    "h1{margin-bottom:0}h2{margin-top:2rem;border-bottom:1px solid #ddd}\n"
    "table{border-collapse:collapse;margin:.5rem 0}th,td{padding:.15rem .7rem;text-align:left;"
    "border-bottom:1px solid #eee}\n"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}figure{margin:1rem 0}"
    "svg{width:100%;font:11px system-ui,sans-serif;fill:#555}\n"
    "td.right{background:#e5f4e8}\n"
    "</style>\n";

typedef struct writer {
    const eg_page *page;
    eg_arena arena;
    eg_buf out;
    eg_history history;
} writer;

static void put_escaped(eg_buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '<')
            eg_buf_puts(out, "&lt;");
        else if (*text == '>')
            eg_buf_puts(out, "&gt;");
        else if (*text == '&')
            eg_buf_puts(out, "&amp;");
        else if (*text == '"')
            eg_buf_puts(out, "&quot;");
        else
            eg_buf_add(out, text, 1);
    }
}

static void put_cell(writer *w, const char *kind, const char *class, const char *text)
{
    eg_buf_printf(&w->out, "<%s%s%s%s>", kind, class[0] ? " class=\"" : "", class, class[0] ? "\"" : "");
    put_escaped(&w->out, text);
    eg_buf_printf(&w->out, "</%s>", kind);
}

static void put_row(writer *w, const char *name, const char *value)
{
    eg_buf_puts(&w->out, "<tr>");
    put_cell(w, "th", "", name);
    put_cell(w, "td", "", value);
    eg_buf_puts(&w->out, "</tr>\n");
}

static void put_summary(writer *w)
{
    const eg_recipe *recipe = w->page->transfer->recipe;
    const eg_plan *plan = w->page->transfer->plan;
    const eg_samples *samples = w->page->samples;
    eg_buf_puts(&w->out, "<h1>");
    put_escaped(&w->out, recipe->name);
    eg_buf_puts(&w->out, "</h1>\n");
    if (recipe->description) {
        eg_buf_puts(&w->out, "<p>");
        put_escaped(&w->out, recipe->description);
        eg_buf_puts(&w->out, "</p>\n");
    }
    eg_buf_puts(&w->out, "<h2>Plan</h2>\n<table>\n");
    put_row(w, "network", plan->net->arch);
    put_row(w, "arguments", plan->net->args);
    put_row(w, "tensors",
            eg_arena_printf(&w->arena, "%zu: %zu loaded, %zu initialised, %zu defaulted", plan->step_count,
                            plan->loaded, plan->initialized, plan->defaulted));
    put_row(w, "parameters",
            eg_arena_printf(&w->arena, "%s, of which `freeze` leaves %s",
                            eg_count_text(&w->arena, plan->params_total),
                            eg_count_text(&w->arena, plan->params_trainable)));
    if (samples->train)
        put_row(w, "samples",
                eg_arena_printf(&w->arena, "%zu to learn from, %zu to validate", samples->train->count,
                                samples->val ? samples->val->count : 0));
    eg_buf_puts(&w->out, "</table>\n");
}

static void put_phases(writer *w)
{
    const eg_transfer *transfer = w->page->transfer;
    size_t count;
    const eg_row *rows = eg_phase_table(&w->arena, transfer->phases, transfer->costs, &count);
    eg_buf_printf(&w->out,
                  "<h2>Phases</h2>\n<p>Batch %" PRId64 "; memory on one thread; FLOP forward / "
                  "backward.</p>\n<table>\n",
                  transfer->costs[0].batch);
    for (size_t i = 0; i < count; i++) {
        eg_buf_puts(&w->out, "<tr>");
        for (int c = 0; rows[i].cells[c]; c++) put_cell(w, i ? "td" : "th", "", rows[i].cells[c]);
        eg_buf_puts(&w->out, "</tr>\n");
    }
    eg_buf_puts(&w->out, "</table>\n");
}

static void put_proofs(writer *w)
{
    const eg_tuning *tuning = w->page->tuning;
    eg_buf_puts(&w->out, "<h2>Freeze proof</h2>\n<ul>\n");
    for (size_t i = 0; i < tuning->phase_count; i++) {
        const eg_tuned_phase *phase = &tuning->phases[i];
        eg_buf_puts(&w->out, "<li>");
        put_escaped(&w->out, phase->name);
        eg_buf_printf(&w->out,
                      ": %" PRId64
                      " epochs; %zu frozen tensors compared before and after, none of their bits "
                      "changed; %zu tensors trained for the first time, with zero momentum</li>\n",
                      phase->epochs, phase->frozen, phase->first_time);
    }
    eg_buf_puts(&w->out, "</ul>\n");
}

/* ---- curves ---- */

/* One number of every epoch. */
static const double *column(writer *w, size_t offset)
{
    double *values = EG_NEW_ARRAY(&w->arena, double, w->history.epoch_count);
    for (size_t i = 0; i < w->history.epoch_count; i++)
        memcpy(&values[i], (const char *)&w->history.epochs[i] + offset, sizeof values[i]);
    return values;
}

#define COLUMN(member) column(w, offsetof(eg_history_epoch, member))

static size_t find_borders(writer *w, size_t *borders)
{
    size_t count = 0;
    for (size_t i = 1; i < w->history.epoch_count; i++)
        if (strcmp(w->history.epochs[i].phase, w->history.epochs[i - 1].phase) != 0) borders[count++] = i;
    return count;
}

static void put_curves(writer *w)
{
    static const char blue[] = "#1f5fa8", orange[] = "#c8641b", green[] = "#2f7d3b";
    size_t epochs = w->history.epoch_count, *borders = EG_NEW_ARRAY(&w->arena, size_t, epochs);
    size_t border_count = find_borders(w, borders);
    const eg_curve loss[] = {{"training", blue, COLUMN(loss)}, {"validation", orange, COLUMN(val_loss)}};
    const eg_curve right[] = {{"training", blue, COLUMN(accuracy)},
                              {"validation", orange, COLUMN(val_accuracy)},
                              {"validation macro F1", green, COLUMN(val_macro_f1)}};
    const eg_curve rate[] = {{"highest of the groups", blue, w->history.lr}};
    const size_t val = w->page->samples->val ? 1 : 0;
    const eg_chart charts[] = {
        {"Loss", "epoch", epochs, loss, 1 + val, borders, border_count},
        {"Accuracy", "epoch", epochs, right, 1 + 2 * val, borders, border_count},
        {"Learning rate", "step", w->history.step_count, rate, 1, NULL, 0},
    };
    eg_buf_puts(&w->out, "<h2>Curves</h2>\n");
    for (size_t i = 0; i < sizeof charts / sizeof *charts; i++) eg_chart_draw(&charts[i], &w->out);
}

/* ---- the best epoch ---- */

static void put_best(writer *w)
{
    const eg_progress *at = eg_trainer_progress(w->page->tuning->trainer);
    const eg_loss *score = &at->best_score;
    eg_buf_printf(&w->out, "<h2>Best epoch</h2>\n<p>Epoch %" PRId64 " of %" PRId64 " trained", at->best_epoch,
                  at->epochs);
    if (score->samples)
        eg_buf_printf(&w->out, ": validation accuracy %.4f (%" PRId64 " of %" PRId64 "), loss %.4f",
                      eg_score_accuracy(score), score->correct, score->samples, eg_score_loss(score));
    eg_buf_puts(&w->out, ".</p>\n");
}

static void put_number(writer *w, int64_t labelled, int64_t all)
{
    put_cell(w, "td", "n", all ? eg_arena_printf(&w->arena, "%.4f", (double)labelled / (double)all) : "-");
}

static void put_classes(writer *w, const int64_t *confusion, int64_t classes)
{
    const eg_dataset *set = w->page->samples->val;
    eg_buf_puts(&w->out, "<h2>Classes</h2>\n<table>\n<tr><th>class</th><th class=\"n\">samples</th>"
                         "<th class=\"n\">recall</th><th class=\"n\">precision</th></tr>\n");
    for (int64_t c = 0; c < classes; c++) {
        int64_t labelled = 0, predicted = 0, right = confusion[c * classes + c];
        for (int64_t k = 0; k < classes; k++) {
            labelled += confusion[c * classes + k];
            predicted += confusion[k * classes + c];
        }
        eg_buf_puts(&w->out, "<tr>");
        put_cell(w, "td", "", set->classes[c]);
        put_cell(w, "td", "n", eg_arena_printf(&w->arena, "%" PRId64, labelled));
        put_number(w, right, labelled);
        put_number(w, right, predicted);
        eg_buf_puts(&w->out, "</tr>\n");
    }
    eg_buf_puts(&w->out, "</table>\n");
}

static void put_confusion(writer *w, const int64_t *confusion, int64_t classes)
{
    enum { MOST = 40 };
    const eg_dataset *set = w->page->samples->val;
    if (classes > MOST) return;
    eg_buf_puts(&w->out,
                "<h2>Confusion</h2>\n<p>Rows: the label; columns: as predicted.</p>\n<table>\n<tr><th></th>");
    for (int64_t c = 0; c < classes; c++) put_cell(w, "th", "n", set->classes[c]);
    eg_buf_puts(&w->out, "</tr>\n");
    for (int64_t i = 0; i < classes; i++) {
        eg_buf_puts(&w->out, "<tr>");
        put_cell(w, "th", "", set->classes[i]);
        for (int64_t k = 0; k < classes; k++)
            put_cell(w, "td", i == k ? "n right" : "n",
                     eg_arena_printf(&w->arena, "%" PRId64, confusion[i * classes + k]));
        eg_buf_puts(&w->out, "</tr>\n");
    }
    eg_buf_puts(&w->out, "</table>\n");
}

static void put_training(writer *w)
{
    const eg_dataset *val = w->page->samples->val;
    const int64_t *confusion = eg_trainer_confusion(w->page->tuning->trainer);
    put_phases(w);
    put_best(w);
    put_curves(w);
    put_proofs(w);
    if (!val) return;
    put_classes(w, confusion, (int64_t)val->class_count);
    put_confusion(w, confusion, (int64_t)val->class_count);
}

bool eg_page_write(const eg_page *page, const char *path, eg_error *err)
{
    writer w = {.page = page};
    bool trained = page->tuning->trainer != NULL;
    bool ok = !trained || eg_history_read(&w.history, &w.arena, page->metrics, err);
    eg_buf_puts(&w.out, "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>");
    put_escaped(&w.out, page->transfer->recipe->name);
    eg_buf_printf(&w.out, "</title>\n%s", head);
    put_summary(&w);
    if (ok && trained) put_training(&w);
    eg_buf_puts(&w.out, "</html>\n");
    ok = ok && eg_file_write(path, w.out.data, w.out.length, err);
    eg_buf_clear(&w.out);
    eg_arena_clear(&w.arena);
    return ok;
}
