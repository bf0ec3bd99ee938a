#include "plan/learn.h"

#include <string.h>

#include "base/map.h"
#include "plan/draft.h"
#include "plan/lesson.h"
#include "plan/sieve.h"
#include "tensor/convert.h"

/* A source tensor, and what becomes of it. */
typedef struct source {
    const char *now; /* its name at this point of the mapping */
    size_t *targets; /* that it is the whole of */
    size_t target_count;
    size_t part_count; /* of concat, stack and split: how often it is taken in */
    size_t parts_told;
    bool live;
} source;

/* A tensor at the time of the transforms. */
typedef struct shaped {
    const char *name, *ops;
    uint32_t rank;
} shaped;

typedef struct learner {
    eg_arena *arena;
    const eg_pairing *p;
    const eg_net *net;
    eg_error *err;
    source *sources;
    bool *wanted;         /* per tensor of pairing->to: a target that some source makes */
    size_t prefix_length; /* of what all targets begin with, taken off */
    const char *prefix;
    eg_record *records;
    size_t record_count;
    shaped *shapes;
    size_t shape_count;
    eg_lesson lesson;
    eg_learned *out;
} learner;

static size_t source_count(const learner *l)
{
    return l->p->from->count;
}

static const char *want_of(const learner *l, size_t target)
{
    return l->p->to->entries[target].name + l->prefix_length;
}

/* ---- who goes where ---- */

/* Targets that the net has, in the shape that the example shows. */
static void find_wanted(learner *l)
{
    l->wanted = EG_NEW_ARRAY(l->arena, bool, l->p->to->count);
    for (size_t t = 0; t < l->p->to->count; t++) {
        int32_t param = eg_net_param_find(l->net, l->p->to->entries[t].name);
        l->wanted[t] = l->p->links[t].kind && param >= 0 &&
                       eg_shape_equal(l->net->params[param].shape, l->p->to->entries[t].shape);
    }
    for (size_t t = 0; t < l->p->to->count; t++) /* a split makes all its parts, or none */
        for (size_t i = 0; i < l->p->links[t].group_count; i++)
            if (!l->p->links[l->p->links[t].group[i]].kind) l->wanted[t] = false;
}

static void find_sources(learner *l)
{
    l->sources = EG_NEW_ARRAY(l->arena, source, source_count(l));
    for (size_t i = 0; i < source_count(l); i++) {
        l->sources[i].now = l->p->from->entries[i].name;
        l->sources[i].targets = EG_NEW_ARRAY(l->arena, size_t, 1);
    }
    for (size_t t = 0; t < l->p->to->count; t++) {
        const eg_link *link = &l->p->links[t];
        if (!l->wanted[t] || (link->kind == EG_LINK_SPLIT && link->group[0] != t)) continue;
        for (size_t i = 0; i < link->count; i++) {
            source *s = &l->sources[link->parts[i]];
            s->live = true;
            if (link->kind != EG_LINK_WHOLE) {
                s->part_count++;
                continue;
            }
            size_t *targets = EG_NEW_ARRAY(l->arena, size_t, s->target_count + 1);
            memcpy(targets, s->targets, s->target_count * sizeof *targets);
            targets[s->target_count++] = t;
            s->targets = targets;
        }
    }
}

/* Net tensors that nothing makes; BatchNorm's counters start at 0 by themselves. */
static void find_fresh(learner *l)
{
    size_t count = (size_t)l->net->param_count;
    const char **names = EG_NEW_ARRAY(l->arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        const eg_param *param = &l->net->params[i];
        const eg_entry *entry = eg_store_find(l->p->to, param->name);
        bool counter =
            param->buffer && param->dtype == EG_I64 && eg_ends_with(param->name, "num_batches_tracked");
        if (!(entry && l->wanted[entry - l->p->to->entries]) && !counter)
            names[l->out->fresh_count++] = param->name;
    }
    l->out->fresh = names;
}

/* ---- what goes nowhere ---- */

/* The fresh target that a source would go to by its name, once what all live names begin with is gone: `skip`
 * settles it, without a `drop`. */
static const char *skipped_as(const learner *l, const char *name)
{
    for (size_t i = 0; i < l->out->fresh_count; i++) {
        const char *fresh = l->out->fresh[i];
        bool all = eg_ends_with(name, fresh);
        size_t head = all ? strlen(name) - strlen(fresh) : 0;
        if (head && name[head - 1] != '.') all = false;
        for (size_t k = 0; all && head && k < source_count(l); k++)
            if (l->sources[k].live) all = strncmp(l->sources[k].now, name, head) == 0;
        if (all) return fresh;
    }
    return NULL;
}

static void drop_dead(learner *l)
{
    const char **dead = EG_NEW_ARRAY(l->arena, const char *, source_count(l));
    const char **live = EG_NEW_ARRAY(l->arena, const char *, source_count(l));
    size_t dead_count = 0, live_count = 0, drops, selects;
    for (size_t i = 0; i < source_count(l); i++) {
        const char *name = l->p->from->entries[i].name;
        if (l->sources[i].live || skipped_as(l, name))
            live[live_count++] = name;
        else
            dead[dead_count++] = name;
    }
    l->out->dropped = dead;
    l->out->dropped_count = dead_count;
    if (!dead_count) return;
    const char *const *drop = eg_learn_patterns(l->arena, dead, dead_count, live, live_count, &drops);
    const char *const *select = eg_learn_patterns(l->arena, live, live_count, dead, dead_count, &selects);
    bool keep = live_count && selects < drops;
    eg_lesson_rule(&l->lesson, "- %s: %s", keep ? "select" : "drop",
                   keep ? eg_pattern_items(l->arena, select, selects)
                        : eg_pattern_items(l->arena, drop, drops));
}

/* ---- prefixes ---- */

static const char *a_target_of(const learner *l, size_t which)
{
    if (l->sources[which].target_count) return l->p->to->entries[l->sources[which].targets[0]].name;
    for (size_t t = 0; t < l->p->to->count; t++)
        for (size_t i = 0; i < l->p->links[t].count && l->wanted[t]; i++)
            if (l->p->links[t].parts[i] == which) return l->p->to->entries[t].name;
    return NULL;
}

/* Names in and out of all that live. */
static void settle_prefixes(learner *l)
{
    eg_lesson all = {.arena = l->arena};
    for (size_t i = 0; i < source_count(l); i++) {
        const char *name = l->p->from->entries[i].name;
        const char *want = l->sources[i].live ? a_target_of(l, i) : skipped_as(l, name);
        if (want) eg_lesson_add(&all, name, want);
    }
    eg_learn_strip(&all);
    for (size_t i = 0, k = 0; i < source_count(l); i++)
        if (l->sources[i].live || skipped_as(l, l->p->from->entries[i].name))
            l->sources[i].now = all.now[k++];
    l->prefix = eg_learn_prefix(&all);
    l->prefix_length = strlen(l->prefix);
    if (all.lines.length) eg_buf_puts(&l->lesson.lines, all.lines.data);
    l->lesson.rules += all.rules;
    eg_buf_clear(&all.lines);
}

/* ---- records ---- */

static const char *const *copied(learner *l, const char *const *names, size_t count)
{
    return eg_arena_copy(l->arena, names, count * sizeof *names);
}

/* All copies are one run of bytes in the example, too. */
static bool is_tied(const learner *l, const source *s)
{
    const eg_entry *first = s->target_count ? &l->p->to->entries[s->targets[0]] : NULL;
    bool tied = first && !s->part_count && first->storage->size;
    for (size_t i = 0; tied && i < s->target_count; i++) {
        const eg_entry *entry = &l->p->to->entries[s->targets[i]];
        tied = entry->storage == first->storage && entry->offset == first->offset &&
               !l->p->links[s->targets[i]].ops[0];
    }
    return tied;
}

/* A source that is needed more than once becomes that many. */
static void add_copy(learner *l, const source *s)
{
    size_t count = s->target_count + s->part_count;
    const char **outs = EG_NEW_ARRAY(l->arena, const char *, count);
    bool *inner = EG_NEW_ARRAY(l->arena, bool, count);
    for (size_t i = 0; i < s->target_count; i++) outs[i] = want_of(l, s->targets[i]);
    for (size_t i = s->target_count; i < count; i++) {
        outs[i] = eg_arena_printf(l->arena, "%s.part%zu", s->now, i - s->target_count);
        inner[i] = true;
    }
    l->records[l->record_count++] = (eg_record){.ins = copied(l, &s->now, 1),
                                                .in_count = 1,
                                                .outs = outs,
                                                .out_count = count,
                                                .inner = inner,
                                                .verb = "copy",
                                                .detail = is_tied(l, s) ? "tie: true" : ""};
}

/* The source's name as an in: its own, or its next copy's. */
static const char *in_name(learner *l, size_t which)
{
    source *s = &l->sources[which];
    if (s->target_count + s->part_count == 1) return s->now;
    return eg_arena_printf(l->arena, "%s.part%zu", s->now, s->parts_told++);
}

/* What the parts of a split take on afterwards. */
static bool is_squeezed(const eg_link *link)
{
    return link->kind == EG_LINK_SPLIT && eg_starts_with(link->ops, "{squeeze");
}

static bool is_turned(const eg_link *link)
{
    return link->kind == EG_LINK_SPLIT && eg_starts_with(link->ops, "{transpose");
}

static const char *sizes_text(learner *l, const eg_link *link)
{
    eg_buf out = {0};
    bool equal = true;
    for (size_t i = 0; i < link->group_count; i++) {
        const eg_shape shape = l->p->to->entries[link->group[i]].shape;
        const eg_shape first = l->p->to->entries[link->group[0]].shape;
        uint32_t dim = is_turned(link) ? 1 - link->dim : link->dim;
        long long size = is_squeezed(link) ? 1 : (long long)shape.dims[dim];
        equal &= is_squeezed(link) || size == first.dims[dim];
        eg_buf_printf(&out, "%s%lld", i ? ", " : "sizes: [", size);
    }
    eg_buf_puts(&out, "]");
    const char *sizes = eg_buf_take(&out, l->arena);
    const char *dim = eg_arena_printf(l->arena, "dim: %u", link->dim);
    return equal ? dim : eg_arena_printf(l->arena, "%s, %s", dim, sizes);
}

static void add_record(learner *l, size_t target)
{
    static const char *const verbs[EG_LINK_COUNT] = {
        [EG_LINK_CONCAT] = "concat", [EG_LINK_STACK] = "stack", [EG_LINK_SPLIT] = "split"};
    const eg_link *link = &l->p->links[target];
    bool split = link->kind == EG_LINK_SPLIT;
    const char **ins = EG_NEW_ARRAY(l->arena, const char *, link->count);
    size_t out_count = split ? link->group_count : 1;
    const char **outs = EG_NEW_ARRAY(l->arena, const char *, out_count);
    for (size_t i = 0; i < link->count; i++) ins[i] = in_name(l, link->parts[i]);
    for (size_t i = 0; i < out_count; i++) outs[i] = want_of(l, split ? link->group[i] : target);
    l->records[l->record_count++] =
        (eg_record){.ins = ins,
                    .in_count = link->count,
                    .outs = outs,
                    .out_count = out_count,
                    .verb = verbs[link->kind],
                    .detail = split ? sizes_text(l, link) : eg_arena_printf(l->arena, "dim: %u", link->dim),
                    .dim = link->dim};
}

static void add_shape(learner *l, const char *name, const char *ops, uint32_t rank)
{
    l->shapes[l->shape_count++] = (shaped){name, ops, rank};
}

/* Names that stay by themselves go to the lesson; all others become records. */
static void settle_records(learner *l)
{
    size_t most = source_count(l) + l->p->to->count;
    l->records = EG_NEW_ARRAY(l->arena, eg_record, most);
    l->shapes = EG_NEW_ARRAY(l->arena, shaped, most);
    for (size_t i = 0; i < source_count(l); i++) {
        const source *s = &l->sources[i];
        uint32_t rank = l->p->from->entries[i].shape.rank;
        const char *skipped = s->live ? NULL : skipped_as(l, l->p->from->entries[i].name);
        if (skipped)
            eg_lesson_add(&l->lesson, s->now,
                          skipped + (l->prefix_length <= strlen(skipped) ? l->prefix_length : 0));
        if (skipped) add_shape(l, s->now, "", rank);
        if (s->target_count + s->part_count > 1) add_copy(l, s);
        if (s->target_count == 1 && !s->part_count)
            eg_lesson_add(&l->lesson, s->now, want_of(l, s->targets[0]));
        bool alone = s->target_count + s->part_count == 1;
        for (size_t k = 0; k < s->target_count; k++)
            add_shape(l, alone ? s->now : want_of(l, s->targets[k]), l->p->links[s->targets[k]].ops, rank);
    }
    for (size_t t = 0; t < l->p->to->count; t++) {
        const eg_link *link = &l->p->links[t];
        if (!l->wanted[t] || link->kind == EG_LINK_WHOLE) continue;
        if (link->kind != EG_LINK_SPLIT || link->group[0] == t) add_record(l, t);
        add_shape(l, want_of(l, t), link->ops, l->p->to->entries[t].shape.rank + is_squeezed(link));
    }
    eg_learn_records(&l->lesson, l->records, l->record_count);
}

/* ---- transforms ---- */

static const char *const *names_like(learner *l, const char *ops, int64_t rank, bool like, size_t *count)
{
    const char **names = EG_NEW_ARRAY(l->arena, const char *, l->shape_count);
    *count = 0;
    for (size_t i = 0; i < l->shape_count; i++) {
        bool same = strcmp(l->shapes[i].ops, ops) == 0 && (rank < 0 || l->shapes[i].rank == rank || !like);
        if (same == like && (like || rank < 0 || l->shapes[i].rank == rank))
            names[(*count)++] = l->shapes[i].name;
    }
    return names;
}

/* The tensors of one rank that take the same operations; `when` spares patterns where ranks tell more. */
static void add_transform(learner *l, const char *ops, int64_t rank)
{
    size_t yes_count, no_count, plain_count, ranked_count;
    const char *const *yes = names_like(l, ops, rank, true, &yes_count);
    const char *const *no = names_like(l, ops, -1, false, &no_count);
    const char *const *plain = eg_learn_patterns(l->arena, yes, yes_count, no, no_count, &plain_count);
    no = names_like(l, ops, rank, false, &no_count);
    const char *const *ranked = eg_learn_patterns(l->arena, yes, yes_count, no, no_count, &ranked_count);
    bool when = ranked_count < plain_count;
    const char *guard = when ? eg_arena_printf(l->arena, "when: {rank: %lld}, ", (long long)rank) : "";
    for (size_t i = 0; i < (when ? ranked_count : plain_count); i++)
        eg_lesson_rule(&l->lesson, "- transform: {match: %s, %sops: [%s]}",
                       eg_quoted(l->arena, when ? ranked[i] : plain[i]), guard, ops);
}

static void settle_transforms(learner *l)
{
    eg_map *told = eg_map_new(l->arena);
    for (size_t i = 0; i < l->shape_count; i++) {
        const shaped *s = &l->shapes[i];
        if (s->ops[0] && eg_map_add(told, eg_arena_printf(l->arena, "%u %s", s->rank, s->ops), 0))
            add_transform(l, s->ops, s->rank);
    }
}

/* ---- what is drawn ---- */

/* How the example's values can be drawn again, or the next best start. */
static bool init_text(learner *l, const eg_param *param, const char **text)
{
    const eg_entry *entry = eg_store_find(l->p->to, param->name);
    bool weight = param->dtype == EG_F32 && param->shape.rank > 1;
    *text = weight ? "init: normal, std: 0.02" : "init: zeros";
    if (!entry || !l->p->constant[entry - l->p->to->entries] || !eg_can_convert_f32(entry->dtype))
        return true;
    eg_entry one = *entry;
    uint64_t numel = 0;
    float value = 0;
    one.shape = (eg_shape){0};
    one.strides = NULL;
    if (eg_shape_numel(entry->shape, &numel) && numel && !eg_entry_read_f32(&one, &value, l->err))
        return false;
    if (value == 0)
        *text = "init: zeros";
    else if (value == 1)
        *text = "init: ones";
    else
        *text = eg_arena_printf(l->arena, "init: constant, value: %.9g", (double)value);
    return true;
}

/* A tensor that is drawn, and the words of its init. */
typedef struct drawn {
    const char *name, *init;
} drawn;

/* Parameters of a net that does not say how they start. */
static bool find_drawn(learner *l, drawn *list, size_t *count)
{
    for (size_t i = 0; i < l->out->fresh_count; i++) {
        const eg_param *param = &l->net->params[eg_net_param_find(l->net, l->out->fresh[i])];
        if (param->init.kind != EG_INIT_DEFAULT) continue;
        list[*count].name = param->name;
        if (!init_text(l, param, &list[(*count)++].init)) return false;
    }
    return true;
}

/* The items for one start, which must not match tensors with another. */
static void put_init(learner *l, eg_buf *out, const drawn *list, size_t count, const char *init)
{
    const char **yes = EG_NEW_ARRAY(l->arena, const char *, count),
               **no = EG_NEW_ARRAY(l->arena, const char *, count);
    size_t yes_count = 0, no_count = 0, patterns;
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].init, init) == 0)
            yes[yes_count++] = list[i].name;
        else
            no[no_count++] = list[i].name;
    const char *const *match = eg_learn_patterns(l->arena, yes, yes_count, no, no_count, &patterns);
    for (size_t i = 0; i < patterns; i++)
        eg_buf_printf(out, "  - {match: %s, %s}\n", eg_quoted(l->arena, match[i]), init);
}

static void settle_skip(learner *l)
{
    size_t count = (size_t)l->net->param_count, other_count = 0, patterns;
    const char **others = EG_NEW_ARRAY(l->arena, const char *, count);
    eg_map *fresh = eg_map_new(l->arena);
    for (size_t i = 0; i < l->out->fresh_count; i++) eg_map_add(fresh, l->out->fresh[i], 0);
    for (size_t i = 0; i < count; i++)
        if (eg_map_find(fresh, l->net->params[i].name) < 0) others[other_count++] = l->net->params[i].name;
    const char *const *skip =
        eg_learn_patterns(l->arena, l->out->fresh, l->out->fresh_count, others, other_count, &patterns);
    if (patterns) l->out->skip = eg_pattern_items(l->arena, skip, patterns);
}

static bool settle_fresh(learner *l)
{
    drawn *list = EG_NEW_ARRAY(l->arena, drawn, l->out->fresh_count);
    eg_map *told = eg_map_new(l->arena);
    size_t count = 0;
    eg_buf init = {0};
    settle_skip(l);
    if (!find_drawn(l, list, &count)) return false;
    eg_buf_puts(&init, "");
    for (size_t i = 0; i < count; i++)
        if (eg_map_add(told, list[i].init, 0)) put_init(l, &init, list, count, list[i].init);
    l->out->init = eg_buf_take(&init, l->arena);
    return true;
}

static size_t line_count(const eg_lesson *lesson)
{
    size_t count = 0;
    for (size_t i = 0; i < lesson->lines.length; i++) count += lesson->lines.data[i] == '\n';
    return count;
}

static eg_lesson copy_of(learner *l, const eg_lesson *lesson)
{
    eg_lesson copy = {.arena = l->arena, .rules = lesson->rules};
    for (size_t i = 0; i < lesson->count; i++) eg_lesson_add(&copy, lesson->now[i], lesson->want[i]);
    if (lesson->lines.length) eg_buf_puts(&copy.lines, lesson->lines.data);
    return copy;
}

/* In one go, or step by step: whichever is shorter. */
static void learn_names(learner *l, bool plain)
{
    eg_lesson steps = copy_of(l, &l->lesson);
    if (!plain) eg_learn_steps(&steps);
    eg_learn_renames(&steps, plain);
    eg_learn_renames(&l->lesson, plain);
    bool shorter = line_count(&steps) < line_count(&l->lesson);
    eg_buf_clear(shorter ? &l->lesson.lines : &steps.lines);
    if (shorter) l->lesson = steps;
}

bool eg_learn(eg_learned *out, eg_arena *arena, const eg_pairing *pairing, const eg_net *net, bool plain,
              eg_error *err)
{
    learner l = {
        .arena = arena, .p = pairing, .net = net, .err = err, .out = out, .lesson = {.arena = arena}};
    *out = (eg_learned){.mapping = "", .init = ""};
    find_wanted(&l);
    find_sources(&l);
    find_fresh(&l);
    drop_dead(&l);
    settle_prefixes(&l);
    settle_records(&l);
    settle_transforms(&l);
    if (!plain) eg_learn_shifts(&l.lesson);
    learn_names(&l, plain);
    if (l.prefix[0]) eg_lesson_rule(&l.lesson, "- add_prefix: %s", eg_quoted(arena, l.prefix));
    eg_buf_puts(&l.lesson.lines, "");
    out->mapping = eg_buf_take(&l.lesson.lines, arena);
    out->rules = l.lesson.rules;
    return settle_fresh(&l);
}
