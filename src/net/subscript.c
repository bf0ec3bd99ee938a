#include "net/subscript.h"

#include <string.h>

#include "base/str.h"

static eg_builder *builder_of(eg_eval *eval)
{
    return eval->context;
}

/* Where a value's dimensions stand; the language speaks of (channels, height, width), values are channels
 * last. */
static const struct {
    const char *name;
    uint32_t rank, dim;
} dimensions[] = {
    {"channels", 3, 2}, {"height", 3, 0},   {"width", 3, 1},
    {"features", 1, 0}, {"features", 2, 1}, {"tokens", 2, 0},
};

/* "image (16, 8, 8)": in PyTorch's order. */
static const char *describe_shape(eg_eval *eval, const eg_value *v)
{
    const long long a = v->dims[0], b = v->dims[1], c = v->dims[2];
    if (v->rank == 3) return eg_arena_printf(eval->arena, "an image of %lld channels, %lldx%lld", c, a, b);
    if (v->rank == 2) return eg_arena_printf(eval->arena, "%lld tokens of %lld features", a, b);
    return eg_arena_printf(eval->arena, "a vector of %lld features", a);
}

bool eg_subscript_attribute(eg_eval *eval, const eg_expr *at, int64_t value, eg_datum *out)
{
    enum { COUNT = sizeof dimensions / sizeof *dimensions };
    const char *names[COUNT];
    bool known = false;
    if (value == EG_NO_VALUE)
        return eg_eval_fail(eval, at, "never_called",
                            "this module is never called, so that the shape of its input is not known");
    const eg_value *shape = &builder_of(eval)->graph.values[value];
    for (size_t i = 0; i < COUNT; i++) {
        names[i] = dimensions[i].name;
        bool named = strcmp(dimensions[i].name, at->text) == 0;
        known |= named;
        if (!named || dimensions[i].rank != shape->rank) continue;
        *out = eg_datum_int(shape->dims[dimensions[i].dim]);
        return true;
    }
    if (known)
        return eg_eval_fail(eval, at, "shape", "there is no '%s' here: the value is %s", at->text,
                            describe_shape(eval, shape));
    const char *nearest = eg_nearest(at->text, names, COUNT);
    return eg_eval_fail(eval, at, "type", "a value has no '%s'%s%s%s", at->text,
                        nearest ? " (did you mean '" : "", nearest ? nearest : "", nearest ? "'?)" : "");
}

/* One dimension of a slice: where it starts, how far it goes, what it takes. */
typedef struct span {
    int64_t start, stop, step;
    bool whole;
} span;

static bool read_span(eg_eval *eval, const eg_expr *at, const eg_subscript *s, int64_t size, span *out)
{
    int64_t count = size;
    *out = (span){0, size, 1, true};
    if (!s) return true;
    if (!s->slice)
        return eg_eval_fail(eval, s->expr, "type",
                            "one element can be taken of tokens alone; of other values a slice start:stop");
    if (!eg_eval_subscript(eval, s, size, &out->start, &out->step, &count)) return false;
    if (count == 0)
        return eg_eval_fail(eval, at, "shape", "the slice is empty: there are %lld elements",
                            (long long)size);
    out->stop = out->start + (count - 1) * out->step + 1;
    out->whole = count == size;
    return true;
}

static eg_actual int_argument(const char *name, const eg_expr *at, int64_t number)
{
    return (eg_actual){name, at, eg_datum_int(number)};
}

static eg_actual pair_argument(eg_eval *eval, const char *name, const eg_expr *at, int64_t height,
                               int64_t width)
{
    const eg_datum pair[] = {eg_datum_int(height), eg_datum_int(width)};
    eg_datum list = {
        .kind = EG_DATUM_LIST, .count = 2, .items = eg_arena_copy(eval->arena, pair, sizeof pair)};
    return (eg_actual){name, at, list};
}

/* The operator `slice`, to which tokens are an image of width 1, and features one of a single pixel. */
static bool slice(eg_eval *eval, const eg_expr *at, int32_t value, const span *c, const span *h,
                  const span *w, eg_datum *out)
{
    const eg_operands in = {{value}, 1};
    *out = eg_datum_value(value);
    if (c->whole && h->whole && w->whole) return true;
    const eg_actual actuals[] = {
        pair_argument(eval, "start", at, h->start, w->start),
        pair_argument(eval, "stop", at, h->stop, w->stop),
        pair_argument(eval, "step", at, h->step, w->step),
        int_argument("channel_start", at, c->start),
        int_argument("channel_stop", at, c->stop),
        int_argument("channel_step", at, c->step),
    };
    return eg_operand_apply(eval, at, eg_op_find("slice"), actuals, sizeof actuals / sizeof *actuals, &in,
                            out);
}

/* Where the language's dimension i of a value of that rank stands: images are (channels, height, width). */
static const struct {
    int channels, height, width; /* -1: there is none */
} places[] = {[1] = {0, -1, -1}, [2] = {1, 0, -1}, [3] = {0, 1, 2}};

static bool slice_value(eg_eval *eval, const eg_expr *at, int64_t value, const eg_subscript *subscripts,
                        size_t count, eg_datum *out)
{
    const eg_value *shape = &builder_of(eval)->graph.values[value];
    const int places_of[] = {places[shape->rank].channels, places[shape->rank].height,
                             places[shape->rank].width};
    const int64_t sizes[] = {shape->dims[shape->rank - 1], shape->rank > 1 ? shape->dims[0] : 1,
                             shape->rank > 2 ? shape->dims[1] : 1};
    span spans[3];
    for (int i = 0; i < 3; i++) {
        bool given = places_of[i] >= 0 && (size_t)places_of[i] < count;
        if (!read_span(eval, at, given ? &subscripts[places_of[i]] : NULL, sizes[i], &spans[i])) return false;
    }
    return slice(eval, at, (int32_t)value, &spans[0], &spans[1], &spans[2], out);
}

/* tokens[i]: the features of one token. */
static bool take_token(eg_eval *eval, const eg_expr *at, int64_t value, const eg_subscript *s, eg_datum *out)
{
    const eg_operands in = {{(int32_t)value}, 1};
    const eg_value *shape = &builder_of(eval)->graph.values[value];
    int64_t start, step, one;
    if (!eg_eval_subscript(eval, s, shape->dims[0], &start, &step, &one)) return false;
    const eg_actual actual = int_argument("at", at, start);
    return eg_operand_apply(eval, at, eg_op_find("index"), &actual, 1, &in, out);
}

bool eg_subscript_value(eg_eval *eval, const eg_expr *at, int64_t value, const eg_subscript *subscripts,
                        size_t count, eg_datum *out)
{
    if (value == EG_NO_VALUE || !builder_of(eval)->flowing)
        return eg_eval_fail(eval, at, "type", "values are sliced in 'forward' alone");
    const eg_value *shape = &builder_of(eval)->graph.values[value];
    if (count > shape->rank)
        return eg_eval_fail(eval, at, "shape",
                            "%zu subscripts for %s: expected at most %u, as a sample has no batch dimension",
                            count, describe_shape(eval, shape), (unsigned)shape->rank);
    if (shape->rank != 2 || subscripts[0].slice) return slice_value(eval, at, value, subscripts, count, out);
    if (!take_token(eval, at, value, &subscripts[0], out)) return false;
    return count == 1 || slice_value(eval, at, out->integer, subscripts + 1, count - 1, out);
}

/* `:` alone, or 0: what may stand for a dimension of size 1 that goes away. */
static bool takes_batch(const eg_subscript *s)
{
    if (!s->slice) return eg_datum_is_integer(&s->start) && (s->start.integer == 0 || s->start.integer == -1);
    return s->start.kind == EG_DATUM_NONE && s->stop.kind == EG_DATUM_NONE && s->step.kind == EG_DATUM_NONE;
}

bool eg_subscript_entry(eg_eval *eval, const eg_expr *at, eg_part *entry, const eg_subscript *subscripts,
                        size_t count, eg_datum *out)
{
    const eg_shape *shape = &entry->entry.shape;
    if (!builder_of(eval)->flowing)
        return eg_eval_fail(eval, at, "type", "values are sliced in 'forward' alone");
    size_t skip = 0;
    while (skip < count && skip + 1 < shape->rank && shape->dims[skip] == 1 && takes_batch(&subscripts[skip]))
        if (subscripts[skip++].slice) break;
    if (!eg_operand_learned(eval, at, entry, (int64_t)skip, out)) return false;
    return skip == count || eg_subscript_value(eval, at, out->integer, subscripts + skip, count - skip, out);
}
