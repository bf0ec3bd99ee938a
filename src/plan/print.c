#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/str.h"
#include "engraft/plan.h"
#include "plan/fold.h"

/* One name to be shown: names with equal headings stand together, those with equal notes fold into one line.
 */
typedef struct item {
    const char *name, *heading, *note;
    eg_shape shape;
} item;

typedef struct printer {
    eg_arena arena;
    FILE *out;
    bool colour;
    unsigned width; /* of the terminal; 0: lines have no end */
    size_t most;    /* lines of one heading */
    item *items;
    size_t count;
    size_t *next,
        *inner; /* per item: the next of its heading's, and of its line's group; SIZE_MAX: the last */
} printer;

static const char *on(const printer *p, const char *code)
{
    return p->colour ? code : "";
}

#define BOLD   "\033[1m"
#define DIM    "\033[2m"
#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define PLAIN  "\033[0m"

/* "kaiming_uniform (a 2.236)". */
static const char *init_text(eg_arena *arena, const eg_init *init)
{
    const char *name = eg_init_name(init->kind);
    switch (init->kind) {
    case EG_INIT_CONSTANT: return eg_arena_printf(arena, "%s (%g)", name, init->value);
    case EG_INIT_NORMAL:
    case EG_INIT_TRUNC_NORMAL:
        return eg_arena_printf(arena, "%s (mean %g, std %g)", name, init->mean, init->std);
    case EG_INIT_UNIFORM: return eg_arena_printf(arena, "%s (%g to %g)", name, init->low, init->high);
    case EG_INIT_XAVIER_UNIFORM:
    case EG_INIT_XAVIER_NORMAL: return eg_arena_printf(arena, "%s (gain %g)", name, init->gain);
    case EG_INIT_KAIMING_UNIFORM:
    case EG_INIT_KAIMING_NORMAL:
        return eg_arena_printf(arena, "%s (a %g%s)", name, init->a, init->fan_out ? ", fan_out" : "");
    default: return name;
    }
}

/* The layer's own start is named without its numbers: they differ from layer to layer. */
static const char *drawn_text(eg_arena *arena, const eg_param *param, const eg_init *init)
{
    const eg_init *own = &param->init;
    bool same = init->kind == own->kind && init->value == own->value && init->mean == own->mean &&
                init->std == own->std && init->low == own->low && init->high == own->high &&
                init->gain == own->gain && init->a == own->a && init->fan_out == own->fan_out;
    return same ? eg_init_name(init->kind) : init_text(arena, init);
}

static item step_item(eg_arena *arena, const eg_plan *plan, const eg_step *step)
{
    const eg_param *param = &plan->net->params[step->param];
    bool partial = step->value && step->value->partial;
    bool drawn = partial || step->action == EG_ACTION_INIT || step->action == EG_ACTION_DEFAULT;
    const char *state = step->frozen ? "frozen" : param->buffer ? "buffer" : "trainable", *how = "";
    if (drawn)
        how = eg_arena_printf(arena, "%s%s", partial ? "rest " : "", drawn_text(arena, param, &step->init));
    if (step->action == EG_ACTION_CAST)
        how = eg_arena_printf(arena, "%s to %s", eg_dtype_name(step->source->dtype),
                              eg_dtype_name(param->dtype));
    return (item){param->name,
                  eg_arena_printf(arena, "%s  %s%s%s", eg_action_name(step->action),
                                  step->rule ? step->rule : "", step->rule ? ": " : "", step->reason),
                  eg_arena_printf(arena, "%s%s%s", state, how[0] ? "  " : "", how), param->shape};
}

static item source_item(eg_arena *arena, const eg_plan_source *source)
{
    return (item){source->entry->name,
                  eg_arena_printf(arena, "%s  %s", eg_fate_name(source->fate), source->reason), "",
                  source->entry->shape};
}

/* Items with equal keys, in order of first appearance: next[i] is the next of i's group, and the groups'
 * first items are listed. */
static size_t group(printer *p, const char *(*key)(eg_arena *arena, const item *of), const size_t *members,
                    size_t count, size_t *firsts, size_t *next)
{
    eg_map *index = eg_map_new(&p->arena);
    size_t *lasts = EG_NEW_ARRAY(&p->arena, size_t, count), groups = 0;
    for (size_t i = 0; i < count; i++) {
        const char *text = key(&p->arena, &p->items[members[i]]);
        int64_t known = eg_map_find(index, text);
        next[members[i]] = SIZE_MAX;
        if (known < 0) {
            known = (int64_t)groups++;
            eg_map_add(index, text, known);
            firsts[known] = members[i];
        } else {
            next[lasts[known]] = members[i];
        }
        lasts[known] = members[i];
    }
    return groups;
}

static const char *heading_key(eg_arena *arena, const item *of)
{
    (void)arena;
    return of->heading;
}

/* Tensors of one line have one rank and one kernel size; their channels may differ. */
static const char *line_key(eg_arena *arena, const item *of)
{
    eg_shape kernel = {of->shape.rank < 2 ? 0 : of->shape.rank - 2, of->shape.dims + 2};
    return eg_arena_printf(arena, "%s\n%s\n%u %s", eg_fold_shape(arena, of->name), of->note, of->shape.rank,
                           kernel.rank ? eg_shape_text(arena, kernel) : "");
}

/* "[16-64, 8-64, 1, 1]": the shapes of the members whose line it is. */
static const char *shapes_text(printer *p, const size_t *members, size_t count, const size_t *line_of,
                               size_t line)
{
    eg_buf out = {0};
    eg_buf_puts(&out, "[");
    for (uint32_t d = 0; d < p->items[members[0]].shape.rank; d++) {
        int64_t low = INT64_MAX, high = 0;
        for (size_t i = 0; i < count; i++) {
            int64_t dim = p->items[members[i]].shape.dims[d];
            if (line_of[i] != line) continue;
            low = dim < low ? dim : low;
            high = dim > high ? dim : high;
        }
        eg_buf_printf(&out, d ? ", %" PRId64 : "%" PRId64, low);
        if (high > low) eg_buf_printf(&out, "-%" PRId64, high);
    }
    eg_buf_puts(&out, "]");
    return eg_buf_take(&out, &p->arena);
}

static size_t chain(size_t first, const size_t *next, size_t *members)
{
    size_t count = 0;
    for (size_t i = first; i != SIZE_MAX; i = next[i]) members[count++] = i;
    return count;
}

/* A name and what is said of it, on two lines where one has no room for both. */
static void print_line(printer *p, const eg_fold *fold, const char *shapes, const char *note)
{
    enum { COLUMN = 44, LEAST = 20 };
    int column = !p->width || p->width >= 100 ? COLUMN
                 : p->width * 2 / 5 > LEAST   ? (int)p->width * 2 / 5
                                              : LEAST;
    const char *name = eg_printable(&p->arena, fold->text, strlen(fold->text));
    const char *count = fold->count > 1 ? eg_arena_printf(&p->arena, "  (%zu tensors)", fold->count) : "";
    const char *about = eg_arena_printf(&p->arena, "%s%s%s%s", shapes, note[0] ? "  " : "", note, count);
    size_t wide = strlen(name) > (size_t)column ? strlen(name) : (size_t)column;
    if (p->width && 2 + wide + 2 + strlen(about) > p->width)
        fprintf(p->out, "  %s\n      %s%s%s\n", name, on(p, DIM), about, on(p, PLAIN));
    else
        fprintf(p->out, "  %-*s  %s%s%s\n", column, name, on(p, DIM), about, on(p, PLAIN));
}

/* The lines of one heading. */
static void print_members(printer *p, const size_t *members, size_t count)
{
    size_t *firsts = EG_NEW_ARRAY(&p->arena, size_t, count), *same = EG_NEW_ARRAY(&p->arena, size_t, count);
    const char **names = EG_NEW_ARRAY(&p->arena, const char *, count);
    size_t *line_of = EG_NEW_ARRAY(&p->arena, size_t, count);
    size_t groups = group(p, line_key, members, count, firsts, p->inner), printed = 0, shown = 0;
    for (size_t g = 0; g < groups; g++) {
        const eg_fold *folds;
        size_t n = chain(firsts[g], p->inner, same);
        for (size_t i = 0; i < n; i++) names[i] = p->items[same[i]].name;
        size_t lines = eg_fold_names(&p->arena, names, n, &folds, line_of);
        for (size_t i = 0; i < lines && printed < p->most; i++, printed++) {
            print_line(p, &folds[i], shapes_text(p, same, n, line_of, i), p->items[same[0]].note);
            shown += folds[i].count;
        }
    }
    if (shown < count)
        fprintf(p->out, "  ... and %zu more, the last %s\n", count - shown,
                eg_printable(&p->arena, p->items[members[count - 1]].name,
                             strlen(p->items[members[count - 1]].name)));
}

/* What comes from the source, what does not, and what goes nowhere. */
static const char *heading_colour(const char *heading)
{
    static const char *const taken[] = {"copy ", "cast ", "transform ", NULL};
    for (int i = 0; taken[i]; i++)
        if (eg_starts_with(heading, taken[i])) return GREEN;
    if (eg_starts_with(heading, "init ")) return YELLOW;
    return eg_starts_with(heading, eg_fate_name(EG_FATE_UNEXPECTED)) ? RED : "";
}

static void print_items(printer *p)
{
    size_t *all = EG_NEW_ARRAY(&p->arena, size_t, p->count),
           *firsts = EG_NEW_ARRAY(&p->arena, size_t, p->count);
    size_t *members = EG_NEW_ARRAY(&p->arena, size_t, p->count);
    for (size_t i = 0; i < p->count; i++) all[i] = i;
    size_t groups = group(p, heading_key, all, p->count, firsts, p->next);
    for (size_t g = 0; g < groups; g++) {
        const char *heading = p->items[firsts[g]].heading;
        size_t count = chain(firsts[g], p->next, members);
        fprintf(p->out, "\n%s%s%s%s  (%zu)\n", on(p, BOLD), on(p, heading_colour(heading)), heading,
                on(p, PLAIN), count);
        print_members(p, members, count);
    }
}

static void print_rules(const printer *p, const eg_plan *plan)
{
    if (plan->rule_count) fprintf(p->out, "\n%srules%s\n", on(p, BOLD), on(p, PLAIN));
    for (size_t r = 0; r < plan->rule_count; r++)
        fprintf(p->out, "  %zu. %-50s  %zu name%s\n", r + 1, plan->rules[r].rule->text,
                plan->rules[r].changed, plan->rules[r].changed == 1 ? "" : "s");
}

static void print_summary(const printer *p, const eg_plan *plan)
{
    fprintf(p->out, "%starget%s  %s: %zu tensors: %zu loaded, %zu initialized, %zu defaulted\n", on(p, BOLD),
            on(p, PLAIN), plan->net->arch ? plan->net->arch : "network", plan->step_count, plan->loaded,
            plan->initialized, plan->defaulted);
    fprintf(p->out, "%ssource%s  %zu tensors: %zu used, %zu skipped, %zu dropped, %zu unexpected\n",
            on(p, BOLD), on(p, PLAIN), plan->source_count, plan->used, plan->skipped, plan->dropped,
            plan->unexpected);
    fprintf(p->out, "%strains%s  %" PRIu64 " of %" PRIu64 " parameters\n", on(p, BOLD), on(p, PLAIN),
            plan->params_trainable, plan->params_total);
    if (plan->net->node_count == 0) return; /* a manifest */
    fprintf(p->out, "%scosts%s   %.3g MFLOP a sample forward, %.3g MB of parameters\n", on(p, BOLD),
            on(p, PLAIN), eg_net_flops(plan->net) / 1e6, (double)plan->params_total * sizeof(float) / 1e6);
}

void eg_plan_print(const eg_plan *plan, FILE *out, bool colour)
{
    enum { REFUSED_LINES = 3 }; /* the diagnosis is what matters then */
    printer p = {.out = out, .colour = colour, .width = eg_log_width(out)};
    p.most = plan->ok ? SIZE_MAX : REFUSED_LINES;
    size_t room = plan->step_count + plan->source_count;
    p.items = EG_NEW_ARRAY(&p.arena, item, room);
    p.next = EG_NEW_ARRAY(&p.arena, size_t, room);
    p.inner = EG_NEW_ARRAY(&p.arena, size_t, room);
    for (size_t i = 0; i < plan->step_count; i++)
        p.items[p.count++] = step_item(&p.arena, plan, &plan->steps[i]);
    for (size_t i = 0; i < plan->source_count; i++)
        if (plan->sources[i].fate != EG_FATE_USED)
            p.items[p.count++] = source_item(&p.arena, &plan->sources[i]);
    print_summary(&p, plan);
    print_rules(&p, plan);
    print_items(&p);
    eg_arena_clear(&p.arena);
}

void eg_plan_print_keys(const eg_plan *plan, FILE *out)
{
    eg_arena arena = {0};
    fprintf(out, "model (%zu keys)\n", plan->step_count);
    for (size_t i = 0; i < plan->step_count; i++)
        fprintf(out, "  %s\n", plan->net->params[plan->steps[i].param].name);
    fprintf(out, "pretrained (%zu keys)\n", plan->source_count);
    for (size_t i = 0; i < plan->source_count; i++) fprintf(out, "  %s\n", plan->sources[i].entry->name);
    fprintf(out, "transferred (%zu keys)\n", plan->loaded);
    for (size_t i = 0; i < plan->step_count; i++) {
        const eg_step *step = &plan->steps[i];
        const char *name = plan->net->params[step->param].name;
        size_t count;
        const char *const *sources = eg_step_sources(&arena, step, &count);
        bool moved = count > 1 || (count && strcmp(sources[0], name) != 0);
        for (size_t k = 0; k < count; k++) fprintf(out, "%s%s", k ? " + " : "  ", sources[k]);
        if (count) fprintf(out, "%s%s\n", moved ? " -> " : "", moved ? name : "");
    }
    eg_arena_clear(&arena);
}
