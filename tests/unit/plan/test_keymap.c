/* The mapping verbs, named after the numbers of the recipe's semantics. */
#include "helper.h"
#include "plan/keymap.h"

/* Applies the lines of `mapping` (from line 6 on) to names, and gives what each becomes. */
static eg_keymap map_names(planned *p, const char *lines, const char *const *names, size_t count)
{
    *p = (planned){0};
    p->problems.arena = &p->arena;
    p->source.entries = p->entries;
    for (size_t i = 0; i < count; i++) add_vector(p, names[i], 1);
    const char *text = eg_arena_printf(
        &p->arena, "recipe: 1\nsource: s\ntarget: {arch: t}\ntransfer:\n  mapping:\n%s", lines);
    const eg_doc *doc = eg_doc_parse(&p->arena, "r.yaml", text, strlen(text), &p->err);
    assert_non_null(doc);
    p->recipe = eg_recipe_check(&p->arena, "r.yaml", doc, NULL, 0, &p->problems, &p->err);
    if (!p->recipe) eg_problems_print(&p->problems, stdout, false);
    assert_non_null(p->recipe);
    eg_keymap map;
    assert_true(eg_keymap_build(&map, &p->arena, &p->recipe->transfer, &p->source, &p->problems, &p->err));
    return map;
}

#define COUNT(list) (sizeof(list) / sizeof *(list))

static void check_maps(const char *lines, const char *const *from, const char *const *to, size_t count)
{
    planned p;
    eg_keymap map = map_names(&p, lines, from, count);
    if (p.problems.count) eg_problems_print(&p.problems, stdout, false);
    assert_int_equal(p.problems.count, 0);
    for (size_t i = 0; i < count; i++) {
        if (!to[i])
            assert_null(map.names[i]);
        else
            assert_string_equal(map.names[i], to[i]);
    }
    done(&p);
}

#define MAPS(lines, from, to) check_maps(lines, from, to, COUNT(from))

static void check_refuses(const char *lines, const char *const *names, size_t count, const char *code,
                          unsigned line, unsigned column, const char *words)
{
    planned p;
    map_names(&p, lines, names, count);
    const eg_problem *problem = p.problems.items;
    bool right = p.problems.count == 1 && strcmp(problem->code, code) == 0 && problem->place.line == line &&
                 problem->place.column == column && strstr(problem->message, words);
    if (!right) eg_problems_print(&p.problems, stdout, false);
    assert_true(right);
    done(&p);
}

#define REFUSES(lines, names, code, line, column, words)                                                     \
    check_refuses(lines, names, COUNT(names), code, line, column, words)

static void s2_01_rules_run_in_order(void **state)
{
    (void)state;
    const char *from[] = {"a.x"}, *to[] = {"c.x"};
    MAPS("    - rename: {match: 'a\\.(.*)', to: 'b.\\1'}\n    - rename: {match: 'b\\.(.*)', to: 'c.\\1'}\n",
         from, to);
}

static void s2_02_one_rename_is_simultaneous(void **state)
{
    (void)state;
    const char *from[] = {"a", "b", "c"}, *to[] = {"b", "a", "c"};
    MAPS("    - rename: [{match: a, to: b}, {match: b, to: a}]\n", from, to);
    const char *rotate[] = {"l3.w", "l2.w", "l1.w"}, *rotated[] = {"l2.w", "l1.w", "l3.w"};
    MAPS("    - rename: [{match: 'l3\\.(.*)', to: 'l2.\\1'}, {match: 'l2\\.(.*)', to: 'l1.\\1'},"
         " {match: 'l1\\.(.*)', to: 'l3.\\1'}]\n",
         rotate, rotated);
}

/* Maps with one warning. */
static void check_warns(const char *lines, const char *const *from, const char *const *to, size_t count,
                        const char *code, const char *words)
{
    planned p;
    eg_keymap map = map_names(&p, lines, from, count);
    const eg_problem *problem = p.problems.items;
    bool right = p.problems.count == 1 && problem->warning && strcmp(problem->code, code) == 0 &&
                 strstr(problem->message, words);
    if (!right) eg_problems_print(&p.problems, stdout, false);
    assert_true(right);
    for (size_t i = 0; to && i < count; i++) assert_string_equal(map.names[i], to[i]);
    done(&p);
}

#define WARNS(lines, from, to, code, words) check_warns(lines, from, to, COUNT(from), code, words)

/* A recipe whose mapping is refused when it is read, for this reason. */
static void check_unreadable(const char *lines, const char *code, const char *words)
{
    planned p = {0};
    p.problems.arena = &p.arena;
    const char *text = eg_arena_printf(
        &p.arena, "recipe: 1\nsource: s\ntarget: {arch: t}\ntransfer:\n  mapping:\n%s", lines);
    const eg_doc *doc = eg_doc_parse(&p.arena, "r.yaml", text, strlen(text), &p.err);
    assert_non_null(doc);
    assert_null(eg_recipe_check(&p.arena, "r.yaml", doc, NULL, 0, &p.problems, &p.err));
    bool right = p.problems.count == 1 && strcmp(p.problems.items[0].code, code) == 0 &&
                 strstr(p.problems.items[0].message, words);
    if (!right) eg_problems_print(&p.problems, stdout, false);
    assert_true(right);
    done(&p);
}

static void s2_09_captures(void **state)
{
    (void)state;
    const char *from[] = {"bn1.gamma", "x.bn22.gamma"}, *to[] = {"bn1.weight", "x.bn22.weight"};
    WARNS("    - rename: {match: '(?P<path>.*\\.)?bn(\\d+)\\.gamma', to: '\\g<path>bn\\2.weight'}\n", from,
          to, "empty_group",
          "group 'path' of '(?P<path>.*\\.)?bn(\\d+)\\.gamma' takes no part in 'bn1.gamma'");
    const char *dots[] = {"a.b.c.w"}, *kept[] = {"x.a.b.c.v"};
    MAPS("    - rename: {match: '(.*)\\.w', to: 'x.\\1.v'}\n", dots, kept); /* a capture may hold dots */
    const char *slash[] = {"a"}, *slashed[] = {"a\\b"};
    MAPS("    - rename: {match: '(a)', to: '\\1\\\\b'}\n", slash, slashed);
    check_unreadable("    - rename: {match: '(a)', to: 'b\\2'}\n", "bad_template", "refers to group '2'");
    check_unreadable("    - rename: {match: '(a)', to: 'b\\10'}\n", "bad_template", "write \\g<1>0");
    check_unreadable("    - rename: {match: '(a)', to: 'b$1'}\n", "bad_template", "write \\1 or \\g<name>");
    const char *digit[] = {"a1"}, *digits[] = {"b10"};
    MAPS("    - rename: {match: 'a(\\d)', to: 'b\\g<1>0'}\n", digit, digits);
}

static void s2_10_globs(void **state)
{
    (void)state;
    const char *from[] = {"enc.3.w.x", "enc.a.b.w.x"}, *to[] = {"e.3.v", "enc.a.b.w.x"};
    MAPS("    - rename: {match: {glob: 'enc.*.w.x'}, to: 'e.*.v'}\n", from, to);
    const char *deep[] = {"enc.a.b.w", "encoder.w"}, *deeper[] = {"dec.a.b.w", "encoder.w"};
    MAPS("    - rename: {match: {glob: 'enc.**'}, to: 'dec.**'}\n", deep, deeper);
    const char *one[] = {"l1.w", "l12.w", "lx.w"}, *ones[] = {"m1.w", "l12.w", "mx.w"};
    MAPS("    - rename: {match: {glob: 'l?.w'}, to: 'm?.w'}\n", one, ones);
    const char *class[] = {"l1.w", "l2.w"}, *classes[] = {"m1.w", "l2.w"};
    MAPS("    - rename: {match: {glob: 'l[01].w'}, to: 'm[01].w'}\n", class, classes);
    const char *plain[] = {"a+b.(c)", "aab.c"}, *plains[] = {"x", "aab.c"};
    MAPS("    - rename: {match: {glob: 'a+b.(c)'}, to: 'x'}\n", plain, plains);
    check_unreadable("    - rename: {match: {glob: 'a.*.b.**'}, to: 'c.*'}\n", "bad_template",
                     "'c.*' has 1 wildcard, but glob 'a.*.b.**' has 2; both must agree");
    check_unreadable("    - copy: {match: {glob: 'a.*'}, to: [b, 'a.*']}\n", "bad_template",
                     "both must agree");
}

static void s2_11_anchors_and_loose_dots_are_told(void **state)
{
    (void)state;
    const char *from[] = {"bn1.weight"}, *to[] = {"n"};
    WARNS("    - rename: {match: '^bn1\\.weight$', to: n}\n", from, to, "redundant_anchor", "not needed");
    MAPS("    - rename: {match: 'bn1.weight', to: n}\n", from,
         to); /* the same names either way: no word of it */
    const char *two[] = {"bn1.weight", "bn1_weight", "bn2.weight"};
    WARNS("    - drop: ['bn1.weight']\n", two, (const char *const *)NULL, "loose_dot",
          "'bn1.weight' matches 'bn1_weight', too");
    WARNS("    - transform: {match: 'bn1.weight', ops: [{unsqueeze: 0}]}\n", two, (const char *const *)NULL,
          "loose_dot", "'bn1_weight'");
}

static void s2_11_replace_searches(void **state)
{
    (void)state;
    const char *from[] = {"a.gamma", "gamma.b", "a.gamma.c"}, *to[] = {"a.weight", "gamma.b", "a.gamma.c"};
    MAPS("    - replace: {pattern: '\\.gamma$', with: .weight}\n", from, to);
    const char *many[] = {"a_b_c"}, *dots[] = {"a.b.c"};
    MAPS("    - replace: {pattern: _, with: .}\n", many, dots);
    const char *gone[] = {"layer.module.x"}, *without[] = {"layer.x"};
    MAPS("    - replace: {pattern: 'module\\.', with: ''}\n", gone, without);
}

static void s2_12_results_must_be_names(void **state)
{
    (void)state;
    const char *names[] = {"a.b", "c.d"};
    REFUSES("    - rename: {match: 'a\\.(.*)', to: '.\\1'}\n", names, "bad_name", 6, 7,
            "turns 'a.b' into '.b'");
    REFUSES("    - replace: {pattern: 'a\\.b', with: ''}\n", names, "bad_name", 6, 7, "turns 'a.b' into ''");
    REFUSES("    - replace: {pattern: 'b', with: '.b'}\n", names, "bad_name", 6, 7,
            "turns 'a.b' into 'a..b'");
    const char *whole[] = {"module", "module.a"}, *kept[] = {"module", "a"};
    MAPS("    - strip_prefix: module.\n      any: true\n", whole, kept); /* a name is never stripped away */
    check_unreadable("    - rename: {match: 'a', to: ''}\n", "wrong_type", "a name that is not empty");
}

static void s2_13_prefixes_are_all_or_error(void **state)
{
    (void)state;
    const char *from[] = {"module.a", "module.module.b", "module.encoder.module.c"};
    const char *to[] = {"a", "b", "encoder.module.c"};
    MAPS("    - strip_prefix: module.\n", from, to);
    const char *wrapped[] = {"module._orig_mod.a", "_orig_mod.module.module.b"}, *bare[] = {"a", "b"};
    MAPS("    - strip_prefix: [module., _orig_mod.]\n", wrapped, bare);
    const char *partial[] = {"module.a", "b", "module.c"};
    REFUSES("    - strip_prefix: module.\n", partial, "partial_prefix", 6, 7,
            "2 of 3 names have the prefix, 1 have not (the first: 'b')");
    const char *some[] = {"a", "b", "c"};
    MAPS("    - strip_prefix: module.\n      any: true\n", partial, some);
}

static void s2_14_prefixes_end_at_dots(void **state)
{
    (void)state;
    const char *from[] = {"layer1.0", "layer10.0"}, *to[] = {"0", "layer10.0"};
    MAPS("    - strip_prefix: layer1\n      any: true\n", from, to);
    const char *added[] = {"b.layer1.0", "b.layer10.0"};
    MAPS("    - add_prefix: b\n", from, added);
}

static void s2_15_case_matters(void **state)
{
    (void)state;
    const char *from[] = {"A.x", "a.x"}, *to[] = {"A.x", "b"};
    MAPS("    - rename: {match: 'a\\.x', to: b}\n", from, to);
    const char *fold[] = {"A.x"}, *folded[] = {"b"};
    MAPS("    - rename: {match: '(?i)a\\.x', to: b}\n", fold, folded);
}

static void drop_and_select(void **state)
{
    (void)state;
    const char *from[] = {"backbone.a", "optimizer.b", "backbone.c.num_batches_tracked"};
    const char *dropped[] = {"backbone.a", NULL, NULL},
               *selected[] = {"backbone.a", NULL, "backbone.c.num_batches_tracked"};
    MAPS("    - drop: ['optimizer\\..*', '.*\\.num_batches_tracked']\n", from, dropped);
    MAPS("    - select: ['backbone\\..*']\n", from, selected);
}

static void s2_21_rules_without_effect(void **state)
{
    (void)state;
    const char *names[] = {"features.0.weight", "classifier.6.weight"};
    REFUSES("    - drop: 'classifer\\..*'\n", names, "unused_rule", 6, 13, "the nearest is 'classifier'");
    REFUSES("    - strip_prefix: module.\n", names, "unused_rule", 6, 7,
            "strip_prefix 'module.' matches no name");
    REFUSES("    - rename: [{match: 'features\\.(.*)', to: 'f.\\1'}, {match: x, to: y}]\n", names,
            "unused_rule", 6, 63, "rename 'x' matches no name");
    REFUSES("    - replace: {pattern: gamma, with: weight}\n", names, "unused_rule", 6, 26,
            "replace 'gamma'");
    REFUSES("    - select: '.*'\n", names, "unused_rule", 6, 7, "changes no name");
    REFUSES("    - rename: {match: '(.*)', to: '\\1'}\n", names, "unused_rule", 6, 7, "changes no name");
    MAPS("    - drop: 'classifer\\..*'\n      optional: true\n", names, names);
}

static void s2_22_shadowed_rules_name_the_other(void **state)
{
    (void)state;
    const char *names[] = {"fc.weight", "x.weight"};
    REFUSES("    - drop: 'fc\\..*'\n    - rename: {match: 'fc\\.weight', to: head.weight}\n", names,
            "shadowed_rule", 7, 23, "'fc.weight' fits, but rule 1 (drop: 'fc\\..*') came first");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s2_01_rules_run_in_order),
        cmocka_unit_test(s2_02_one_rename_is_simultaneous),
        cmocka_unit_test(s2_09_captures),
        cmocka_unit_test(s2_10_globs),
        cmocka_unit_test(s2_11_replace_searches),
        cmocka_unit_test(s2_11_anchors_and_loose_dots_are_told),
        cmocka_unit_test(s2_12_results_must_be_names),
        cmocka_unit_test(s2_13_prefixes_are_all_or_error),
        cmocka_unit_test(s2_14_prefixes_end_at_dots),
        cmocka_unit_test(s2_15_case_matters),
        cmocka_unit_test(drop_and_select),
        cmocka_unit_test(s2_21_rules_without_effect),
        cmocka_unit_test(s2_22_shadowed_rules_name_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
