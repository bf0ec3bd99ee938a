#include "net/init_rules.h"

#include <string.h>

#include "base/str.h"
#include "net/weights.h"

/* A distribution's argument; `fan_out` is the only one that is true or false. */
typedef struct argument {
    const char *name;
    size_t offset; /* of a double in eg_init */
} argument;

enum { MOST_ARGUMENTS = 2 };

static const struct {
    const char *name;
    eg_init_kind kind;
    bool fans; /* takes fan_out */
    argument arguments[MOST_ARGUMENTS];
} distributions[] = {
    {"zeros", EG_INIT_ZEROS, false, {{0}}},
    {"ones", EG_INIT_ONES, false, {{0}}},
    {"constant", EG_INIT_CONSTANT, false, {{"value", offsetof(eg_init, value)}}},
    {"normal", EG_INIT_NORMAL, false, {{"mean", offsetof(eg_init, mean)}, {"std", offsetof(eg_init, std)}}},
    {"trunc_normal",
     EG_INIT_TRUNC_NORMAL,
     false,
     {{"mean", offsetof(eg_init, mean)}, {"std", offsetof(eg_init, std)}}},
    {"uniform", EG_INIT_UNIFORM, false, {{"low", offsetof(eg_init, low)}, {"high", offsetof(eg_init, high)}}},
    {"xavier_uniform", EG_INIT_XAVIER_UNIFORM, false, {{"gain", offsetof(eg_init, gain)}}},
    {"xavier_normal", EG_INIT_XAVIER_NORMAL, false, {{"gain", offsetof(eg_init, gain)}}},
    {"kaiming_uniform", EG_INIT_KAIMING_UNIFORM, true, {{"a", offsetof(eg_init, a)}}},
    {"kaiming_normal", EG_INIT_KAIMING_NORMAL, true, {{"a", offsetof(eg_init, a)}}},
};

enum { DISTRIBUTIONS = sizeof distributions / sizeof *distributions };

static bool fail_distribution(eg_eval *eval, const eg_expr *at)
{
    const char *names[DISTRIBUTIONS];
    for (int i = 0; i < DISTRIBUTIONS; i++) names[i] = distributions[i].name;
    bool call = at->kind == EG_EXPR_CALL && at->items[0]->kind == EG_EXPR_NAME;
    const char *nearest = call ? eg_nearest(at->items[0]->text, names, DISTRIBUTIONS) : NULL;
    return eg_eval_fail(
        eval, at, "unknown_name",
        "expected a distribution, such as normal(std=0.01), zeros() or kaiming_normal()%s%s%s",
        nearest ? " (did you mean '" : "", nearest ? nearest : "", nearest ? "'?)" : "");
}

static bool read_argument(eg_builder *b, int which, const char *name, const eg_expr *expr, eg_init *init)
{
    eg_datum datum;
    const argument *arguments = distributions[which].arguments;
    bool fan = name && distributions[which].fans && strcmp(name, "fan_out") == 0;
    int at = 0;
    while (name && at < MOST_ARGUMENTS && (!arguments[at].name || strcmp(arguments[at].name, name) != 0))
        at++;
    if (!fan && (!name || at == MOST_ARGUMENTS))
        return eg_eval_fail(
            &b->eval, expr, "unknown_argument", "%s takes %s%s%s%s%s", distributions[which].name,
            arguments[0].name ? "the named arguments " : "no arguments",
            arguments[0].name ? arguments[0].name : "", arguments[1].name ? " and " : "",
            arguments[1].name ? arguments[1].name : "", distributions[which].fans ? " and fan_out" : "");
    if (!eg_eval_run(&b->eval, b->globals, expr, &datum)) return false;
    if (fan ? datum.kind != EG_DATUM_BOOL : !eg_datum_is_number(&datum))
        return eg_eval_fail(&b->eval, expr, "type", "expected %s for '%s', found %s",
                            fan ? "true or false" : "a number", name,
                            eg_datum_describe(b->eval.arena, &datum));
    if (fan)
        init->fan_out = datum.integer != 0;
    else
        *(double *)((uint8_t *)init + arguments[at].offset) = eg_datum_number(&datum);
    return true;
}

static bool read_rule(eg_builder *b, const eg_expr *expr, eg_init *init)
{
    int which = 0;
    if (expr->kind != EG_EXPR_CALL || expr->items[0]->kind != EG_EXPR_NAME)
        return fail_distribution(&b->eval, expr);
    while (which < DISTRIBUTIONS && strcmp(distributions[which].name, expr->items[0]->text) != 0) which++;
    if (which == DISTRIBUTIONS) return fail_distribution(&b->eval, expr);
    *init = (eg_init){.kind = distributions[which].kind, .std = 1, .high = 1, .gain = 1};
    for (size_t i = 1; i < expr->count; i++)
        if (!read_argument(b, which, expr->names[i], expr->items[i], init)) return false;
    if (init->std < 0 || init->high < init->low)
        return eg_eval_fail(&b->eval, expr, "value", "expected a std of at least 0, and low not above high");
    return true;
}

/* Whether a text has the form of a pattern, in which * stands for any text. */
static bool fits(const char *pattern, const char *text)
{
    const char *star = NULL, *again = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            again = text;
        } else if (*pattern == *text) {
            pattern++, text++;
        } else if (star) {
            pattern = star;
            text = ++again;
        } else {
            return false;
        }
    }
    while (*pattern == '*') pattern++;
    return !*pattern;
}

/* "conv2d.weight" of "features.0.weight"; its module comes after that of the parameter before it. */
static const char *generic_name(eg_arena *arena, const eg_net *net, const char *name, int32_t *module)
{
    const char *dot = strrchr(name, '.');
    size_t length = dot ? (size_t)(dot - name) : 0;
    for (int32_t i = 0; i < net->module_count; i++) {
        const eg_module *m = &net->modules[(*module + i) % net->module_count];
        if (strlen(m->path) != length || memcmp(m->path, name, length) != 0) continue;
        *module = (*module + i) % net->module_count;
        return eg_arena_printf(arena, "%s.%s", m->type, dot ? dot + 1 : name);
    }
    return name;
}

bool eg_init_rules_apply(eg_builder *b, const eg_let *rules, size_t count, eg_net *net)
{
    eg_init *inits = EG_NEW_ARRAY(b->eval.arena, eg_init, count);
    int32_t module = 0;
    for (size_t i = 0; i < count; i++)
        if (!read_rule(b, rules[i].expr, &inits[i])) return false;
    for (int32_t p = 0; p < net->param_count && count > 0; p++) {
        eg_param *param = &net->params[p];
        eg_error err = {0};
        if (param->buffer) continue;
        const char *generic = generic_name(b->eval.arena, net, param->name, &module);
        size_t rule = count;
        while (rule > 0 && !fits(rules[rule - 1].name, param->name) && !fits(rules[rule - 1].name, generic))
            rule--;
        if (rule == 0) continue;
        param->init = inits[rule - 1];
        if (!eg_init_check(param, &param->init, &err))
            return eg_eval_fail(&b->eval, rules[rule - 1].expr, "value", "%s", err.text);
        if (!eg_eval_spend(&b->eval, rules[rule - 1].expr, (int64_t)count)) return false;
    }
    return true;
}
