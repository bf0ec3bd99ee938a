/* Verbs that join, split, reshape and copy tensors, and shapes that are made to fit: the plan, and the
 * values. */
#include "helper.h"
#include "net/weights.h"
#include "plan/adapt.h"
#include "plan/mosaic.h"

static void add(planned *p, const char *name, uint32_t rank, const int64_t *dims)
{
    add_source(p, name, EG_F32, eg_shape_copy(&p->arena, dims, rank));
}

#define ADD(p, name, ...)                                                                                    \
    add((p), (name), sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})

/* The source's numbers: what helper.h has put there. */
static float at(const planned *p, const char *name, size_t i)
{
    return ((const float *)p->entries[source_at(p, name)].storage->bytes)[i];
}

/* Applies the plan; the values of one target, in the arena. */
static const float *value_of(planned *p, const char *name)
{
    eg_weights weights;
    int32_t param = eg_net_param_find(p->net, name);
    uint64_t numel = 0;
    assert_true(param >= 0 && eg_shape_numel(p->net->params[param].shape, &numel));
    assert_true(eg_weights_init(&weights, &p->arena, p->net, &p->err));
    assert_true(eg_plan_apply(p->plan, 1, &weights, &p->err));
    const float *copy = eg_arena_copy(&p->arena, weights.data[param], numel * sizeof *copy);
    eg_weights_clear(&weights);
    return copy;
}

static void begin_without(planned *p, const char *name)
{
    begin(p, "");
    remove_source(p, name);
}

#define CONCAT                                                                                               \
    "transfer:\n  mapping:\n"                                                                                \
    "    - concat: {match: 'fc\\.(\\w+)\\.weight', group: 1, order: [top, low], dim: 0, to: fc.weight}\n"

static void s2_06_concat_joins_parts_in_order(void **state)
{
    (void)state;
    planned p;
    begin_without(&p, "fc.weight");
    ADD(&p, "fc.low.weight", 2, 4);
    ADD(&p, "fc.top.weight", 1, 4);
    const eg_plan *plan = accepts(&p, CONCAT);
    const eg_step *step = step_of(&p, "fc.weight");
    size_t count;
    const char *const *sources = eg_step_sources(&p.arena, step, &count);
    assert_int_equal(step->action, EG_ACTION_TRANSFORM);
    assert_int_equal(count, 2);
    assert_string_equal(sources[0], "fc.top.weight");
    assert_string_equal(step->reason, "equal shape, rule 1");
    assert_int_equal(plan->used, 21);
    assert_string_equal(plan->sources[source_at(&p, "fc.low.weight")].mapped, "fc.weight");
    const float *out = value_of(&p, "fc.weight");
    for (size_t i = 0; i < 4; i++) assert_true(out[i] == at(&p, "fc.top.weight", i));
    for (size_t i = 0; i < 8; i++) assert_true(out[4 + i] == at(&p, "fc.low.weight", i));
    done(&p);
}

static void s2_06_groups_must_be_whole_and_alike(void **state)
{
    (void)state;
    planned p;
    begin_without(&p, "fc.weight");
    ADD(&p, "fc.top.weight", 3, 4);
    plan_lines(&p, CONCAT);
    assert_string_equal(p.problems.items[0].code, "incomplete_group");
    assert_int_equal(p.problems.items[0].place.line, 6);
    assert_non_null(strstr(p.problems.items[0].message, "part 'low' of 'fc.weight' is missing"));
    done(&p);
    begin_without(&p, "fc.weight");
    ADD(&p, "fc.top.weight", 1, 4);
    ADD(&p, "fc.low.weight", 2, 5);
    plan_lines(&p, CONCAT);
    assert_string_equal(p.problems.items[0].code, "shapes_differ");
    done(&p);
    begin_without(&p, "fc.weight");
    ADD(&p, "fc.mid.weight", 1, 4);
    plan_lines(&p, CONCAT);
    assert_string_equal(p.problems.items[0].code, "bad_part");
    assert_non_null(strstr(p.problems.items[0].message, "'mid', which is not in 'order'"));
    done(&p);
}

#define STACK(more)                                                                                          \
    "transfer:\n  mapping:\n    - stack: {match: 'fc\\.rows\\.(\\d+)', index: 1, dim: 0, to: fc.weight" more \
    "}\n"

static void stacked(planned *p, const char *const *names, size_t count)
{
    begin_without(p, "fc.weight");
    for (size_t i = 0; i < count; i++) ADD(p, names[i], 4);
}

static void s2_07_stack_orders_by_number(void **state)
{
    (void)state;
    planned p;
    stacked(&p, (const char *const[]){"fc.rows.2", "fc.rows.0", "fc.rows.1"}, 3);
    accepts(&p, STACK(""));
    const float *out = value_of(&p, "fc.weight");
    for (size_t r = 0; r < 3; r++)
        for (size_t i = 0; i < 4; i++)
            assert_true(out[4 * r + i] == at(&p, eg_arena_printf(&p.arena, "fc.rows.%zu", r), i));
    done(&p);
    stacked(&p, (const char *const[]){"fc.rows.1", "fc.rows.2", "fc.rows.3"}, 3);
    accepts(&p, STACK(", count: 3"));
    done(&p);
}

static void s2_07_gaps_and_doubles_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *names[3], *code, *words;
    } rows[] = {
        {{"fc.rows.0", "fc.rows.1", "fc.rows.3"}, "incomplete_group", "part 2 of 'fc.weight' is missing"},
        {{"fc.rows.1", "fc.rows.2", "fc.rows.3"}, "incomplete_group", "part 0 of 'fc.weight' is missing"},
        {{"fc.rows.0", "fc.rows.1", "fc.rows.01"}, "duplicate_part", "'fc.rows.1' and 'fc.rows.01'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        planned p;
        stacked(&p, rows[i].names, 3);
        plan_lines(&p, STACK(""));
        assert_string_equal(p.problems.items[0].code, rows[i].code);
        assert_non_null(strstr(p.problems.items[0].message, rows[i].words));
        done(&p);
    }
}

static void split_takes_apart(void **state)
{
    (void)state;
    planned p;
    begin_without(&p, "bn1.weight");
    remove_source(&p, "bn1.bias");
    ADD(&p, "bn1.affine", 8);
    accepts(&p, "transfer:\n  mapping:\n    - split: {match: 'bn1\\.affine', to: [bn1.weight, bn1.bias]}\n");
    const float *weight = value_of(&p, "bn1.weight"), *bias = value_of(&p, "bn1.bias");
    for (size_t i = 0; i < 4; i++)
        assert_true(weight[i] == at(&p, "bn1.affine", i) && bias[i] == at(&p, "bn1.affine", i + 4));
    done(&p);
    begin(&p, "");
    ADD(&p, "bn1.affine", 7);
    plan_lines(&p,
               "transfer:\n  mapping:\n    - split: {match: 'bn1\\.affine', to: [bn1.weight, bn1.bias]}\n");
    assert_string_equal(p.problems.items[0].code, "bad_split");
    assert_non_null(strstr(p.problems.items[0].message, "has 7 elements, which is not a multiple of 2"));
    done(&p);
}

static void transform_changes_views(void **state)
{
    (void)state;
    planned p;
    begin_without(&p, "fc.weight");
    remove_source(&p, "layer1.0.conv1.weight");
    ADD(&p, "fc.weight", 4, 3);
    ADD(&p, "layer1.0.conv1.weight", 36, 4);
    accepts(&p, "transfer:\n  mapping:\n    - transform: {match: 'fc\\.weight', ops: [{transpose: [0, 1]}]}\n"
                "    - transform: {match: 'layer1\\.0\\.conv1\\.weight', ops: [{unflatten: [0, 4, 9]},\n"
                "        {permute: [2, 0, 1]}, {unflatten: [-1, 3, 3]}]}\n");
    const float *out = value_of(&p, "fc.weight");
    for (size_t r = 0; r < 3; r++)
        for (size_t c = 0; c < 4; c++) assert_true(out[4 * r + c] == at(&p, "fc.weight", 3 * c + r));
    out = value_of(&p, "layer1.0.conv1.weight");
    for (size_t o = 0; o < 4; o++)
        for (size_t k = 0; k < 36; k++)
            assert_true(out[36 * o + k] == at(&p, "layer1.0.conv1.weight", 4 * k + o));
    done(&p);
}

static void transform_then_concat_then_transform(void **state)
{
    (void)state;
    planned p;
    begin_without(&p, "fc.weight");
    ADD(&p, "x.a", 4, 1, 1);
    ADD(&p, "x.b", 4, 2, 1);
    accepts(&p, "transfer:\n  mapping:\n    - transform: {match: 'x\\..', ops: [{squeeze: -1}]}\n"
                "    - concat: {match: 'x\\.(.)', group: 1, order: [a, b], dim: 1, to: fc.weight}\n"
                "    - transform: {match: 'fc\\.weight', when: {rank: 2}, ops: [{transpose: [0, 1]}]}\n");
    const float *out = value_of(&p, "fc.weight");
    for (size_t c = 0; c < 4; c++) {
        assert_true(out[c] == at(&p, "x.a", c));
        assert_true(out[4 + c] == at(&p, "x.b", 2 * c) && out[8 + c] == at(&p, "x.b", 2 * c + 1));
    }
    done(&p);
}

static void s2_25_dims_must_exist(void **state)
{
    (void)state;
    static const char *const ops[] = {"{squeeze: 0}", "{unsqueeze: 5}", "{transpose: [0, 2]}",
                                      "{permute: [0, 0]}", "{unflatten: [0, 2, 2]}"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        planned p;
        begin(&p, "");
        plan_lines(&p, eg_arena_printf(&p.arena,
                                       "transfer:\n  mapping:\n    - transform: {match: 'fc\\.weight', ops: "
                                       "[%s]}\n",
                                       ops[i]));
        assert_string_equal(p.problems.items[0].code, "bad_dim");
        assert_non_null(strstr(p.problems.items[0].message, "'fc.weight' [3, 4]"));
        done(&p);
    }
}

static void s2_26_square_transposes_are_warned_of(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    ADD(&p, "a.weight", 5, 5);
    ADD(&p, "b.weight", 5, 5);
    plan_lines(&p, "transfer:\n  unexpected: ignore\n  mapping:\n"
                   "    - transform: {match: 'a\\.weight', ops: [{transpose: [0, 1]}]}\n");
    assert_true(p.plan->ok);
    assert_string_equal(p.problems.items[0].code, "square_transpose");
    assert_true(p.problems.items[0].warning);
    done(&p);
}

static void s2_05_copy_is_one_to_many(void **state)
{
    (void)state;
    planned p;
    begin_without(&p, "layer1.1.conv1.weight");
    accepts(
        &p,
        "transfer:\n  mapping:\n    - copy: {match: 'layer1\\.0\\.(conv1\\.weight)', to: ['layer1.0.\\1', "
        "'layer1.1.\\1']}\n");
    const float *first = value_of(&p, "layer1.0.conv1.weight"),
                *second = value_of(&p, "layer1.1.conv1.weight");
    assert_memory_equal(first, second, 144 * sizeof *first);
    assert_int_equal(p.plan->used, 19);
    assert_int_equal(p.plan->loaded, 20);
    done(&p);
}

static void s2_42_shift_renumbers(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    for (size_t i = 0; i < p.source.count; i++)
        if (strncmp(p.entries[i].name, "layer1.", 7) == 0)
            p.entries[i].name =
                eg_arena_printf(&p.arena, "layer1.%c%s", p.entries[i].name[7] + 2, p.entries[i].name + 8);
    accepts(&p, "transfer:\n  mapping:\n    - shift: {match: 'layer1\\.(\\d+)\\..*', by: -2}\n");
    assert_string_equal(step_of(&p, "layer1.1.conv1.weight")->source->name, "layer1.3.conv1.weight");
    done(&p);
    begin(&p, "");
    plan_lines(&p, "transfer:\n  mapping:\n    - shift: {match: 'layer1\\.(\\d+)\\..*', by: -2}\n");
    assert_string_equal(p.problems.items[0].code, "bad_part");
    assert_non_null(strstr(p.problems.items[0].message, "would get the number -2"));
    done(&p);
}

static void s2_21_verbs_without_effect_are_refused(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    refused(&p, "transfer:\n  mapping:\n    - copy: {match: 'zzz', to: yyy}\n", "unused_rule", 6, 21,
            "copy 'zzz' matches no name");
    done(&p);
    begin(&p, "");
    refused(&p,
            "transfer:\n  mapping:\n    - transform: {match: 'fc\\..*', when: {rank: 4}, ops: [{unsqueeze: "
            "0}]}\n",
            "unused_rule", 6, 7, "no tensor that it matches has rank 4");
    done(&p);
    begin(&p, "");
    accepts(&p, "transfer:\n  mapping:\n    - copy: {match: 'zzz', to: yyy, optional: true}\n");
    done(&p);
}

static void s2_03_on_conflict_chooses(void **state)
{
    (void)state;
    const char *lines =
        "transfer:\n  on_conflict: %s\n  mapping:\n    - rename: {match: 'fc\\.beta', to: fc.bias}\n";
    static const char *const words[] = {"first", "last", "equal"};
    for (int i = 0; i < 3; i++) {
        planned p;
        begin(&p, "");
        add_vector(&p, "fc.beta", 3);
        if (i == 2) p.entries[source_at(&p, "fc.beta")].storage = p.entries[source_at(&p, "fc.bias")].storage;
        accepts(&p, eg_arena_printf(&p.arena, lines, words[i]));
        const char *taken = i == 1 ? "fc.beta" : "fc.bias", *left = i == 1 ? "fc.bias" : "fc.beta";
        assert_string_equal(step_of(&p, "fc.bias")->source->name, taken);
        assert_int_equal(p.plan->sources[source_at(&p, left)].fate, EG_FATE_DROPPED);
        assert_non_null(strstr(p.plan->sources[source_at(&p, left)].reason, words[i]));
        done(&p);
    }
    planned p;
    begin(&p, "");
    add_vector(&p, "fc.beta", 3);
    refused(&p, eg_arena_printf(&p.arena, lines, "equal"), "collision", 7, 7, "their bytes differ");
    done(&p);
}

/* ---- shapes ---- */

static void adapt_input_sums_or_repeats(void **state)
{
    (void)state;
    planned p;
    begin_without(&p, "conv1.weight");
    ADD(&p, "conv1.weight", 4, 2, 3, 3);
    accepts(&p, "transfer: {size_mismatch: adapt_input}\n");
    assert_string_equal(step_of(&p, "conv1.weight")->reason, "source [4, 2, 3, 3] to target [4, 3, 3, 3]");
    const float *out = value_of(&p, "conv1.weight");
    for (size_t c = 0; c < 3; c++)
        assert_float_equal(out[9 * c + 4], at(&p, "conv1.weight", 9 * (c % 2) + 4) * 2 / 3, 1e-6);
    done(&p);
    int64_t from[] = {2, 3, 1, 1}, to[] = {2, 1, 1, 1};
    float rgb[] = {1, 2, 4, 8, 16, 32}, gray[2];
    eg_arena arena = {0};
    eg_entry entry = eg_entry_in_memory(&arena, "w", EG_F32, (eg_shape){4, from}, rgb);
    const eg_mosaic *sum =
        eg_adapt(&arena, EG_POLICY_ADAPT_INPUT, eg_mosaic_whole(&arena, &entry), (eg_shape){4, to});
    assert_true(eg_mosaic_read(sum, EG_F32, gray, NULL));
    assert_true(gray[0] == 7 && gray[1] == 56);
    eg_arena_clear(&arena);
}

static void size_rules_go_by_name(void **state)
{
    (void)state;
    planned p;
    begin_without(&p, "conv1.weight");
    remove_source(&p, "fc.weight");
    ADD(&p, "conv1.weight", 4, 3, 5, 2);
    ADD(&p, "fc.weight", 7, 4);
    accepts(&p, "transfer:\n  size_mismatch:\n    - {match: 'conv1\\.weight', policy: overlap}\n"
                "    - {match: 'fc\\..*', policy: skip}\n"
                "init: [{match: 'conv1\\.weight', init: constant, value: 9}]\n");
    assert_int_equal(step_of(&p, "fc.weight")->action, EG_ACTION_INIT);
    const float *out = value_of(&p, "conv1.weight");
    assert_true(out[0] == at(&p, "conv1.weight", 0) && out[1] == at(&p, "conv1.weight", 1) && out[2] == 9);
    assert_true(out[3] == at(&p, "conv1.weight", 2) && out[9] == at(&p, "conv1.weight", 10));
    done(&p);
    begin_without(&p, "fc.weight");
    ADD(&p, "fc.weight", 7, 4);
    plan_lines(&p, "transfer: {size_mismatch: [{match: 'fc\\.weight', policy: adapt_input}]}\n");
    assert_string_equal(p.problems.items[0].code, "size_mismatch");
    done(&p);
    begin(&p, "");
    plan_lines(&p, "transfer: {size_mismatch: [{match: 'zzz', policy: skip}]}\n");
    assert_string_equal(p.problems.items[0].code, "unused_rule");
    done(&p);
}

/* torch 1.13: interpolate(arange(4).view(1, 1, 2, 2) ** 2, 3, mode='bicubic', align_corners=True) */
static void positions_are_interpolated_as_torch_does(void **state)
{
    (void)state;
    static const float from[] = {-5, 0, 1, 4, 9};
    static const double want[] = {-5, 0, 0.5, 1, 2, 3.5, 5, 4, 6.5, 9};
    int64_t dims[] = {1, 5, 1}, target[] = {1, 10, 1};
    float out[10];
    eg_arena arena = {0};
    eg_entry entry = eg_entry_in_memory(&arena, "pos", EG_F32, (eg_shape){3, dims}, from);
    const eg_mosaic *value = eg_mosaic_whole(&arena, &entry);
    const eg_mosaic *grown = eg_adapt(&arena, EG_POLICY_INTERPOLATE, value, (eg_shape){3, target});
    assert_non_null(grown);
    assert_true(eg_mosaic_read(grown, EG_F32, out, NULL));
    for (size_t i = 0; i < 10; i++) assert_float_equal(out[i], want[i], 1e-5);
    target[1] = 8;
    assert_null(eg_adapt(&arena, EG_POLICY_INTERPOLATE, value, (eg_shape){3, target}));
    eg_arena_clear(&arena);
}

/* ---- head ---- */

/* As plan_lines, with classes on both sides. */
static void plan_classes(planned *p, const char *source, const char *target, const char *lines)
{
    const char *text =
        eg_arena_printf(&p->arena,
                        "recipe: 1\nsource: {checkpoint: s.pth, classes: %s}\ntarget: {arch: tiny, "
                        "classes: %s}\n%s",
                        source, target, lines);
    const eg_doc *doc = eg_doc_parse(&p->arena, "r.yaml", text, strlen(text), &p->err);
    assert_non_null(doc);
    p->recipe = eg_recipe_check(&p->arena, "r.yaml", doc, NULL, 0, &p->problems, &p->err);
    if (!p->recipe) eg_problems_print(&p->problems, stdout, false);
    assert_non_null(p->recipe);
    eg_store_index(&p->source, &p->arena);
    p->plan = eg_plan_build(&p->arena, p->recipe, p->net, &p->source, &p->problems, &p->err);
    assert_non_null(p->plan);
}

static void begin_head(planned *p, int64_t classes)
{
    begin_without(p, "fc.weight");
    remove_source(p, "fc.bias");
    ADD(p, "fc.weight", classes, 4);
    ADD(p, "fc.bias", classes);
}

static void head_rows_go_by_class(void **state)
{
    (void)state;
    planned p;
    begin_head(&p, 4);
    plan_classes(&p, "[ox, cat, hen, dog]", "[dog, emu, cat]",
                 "transfer: {head: {weight: fc.weight, bias: fc.bias}}\n"
                 "init: [{match: 'fc\\.weight', init: constant, value: 5}]\n");
    if (!p.plan->ok) eg_problems_print(&p.problems, stdout, false);
    assert_true(p.plan->ok);
    const float *out = value_of(&p, "fc.weight"), *bias = value_of(&p, "fc.bias");
    for (size_t i = 0; i < 4; i++) {
        assert_true(out[i] == at(&p, "fc.weight", 12 + i) && out[4 + i] == 5);
        assert_true(out[8 + i] == at(&p, "fc.weight", 4 + i));
    }
    assert_true(bias[0] == at(&p, "fc.bias", 3) && bias[2] == at(&p, "fc.bias", 1));
    assert_string_equal(step_of(&p, "fc.weight")->reason, "2 of 3 rows from classes of the source");
    done(&p);
}

static void head_rows_are_averaged(void **state)
{
    (void)state;
    planned p;
    begin_head(&p, 4);
    plan_classes(&p, "[a, b, c, d]", "[x, y, z]",
                 "transfer: {head: {weight: fc.weight, bias: fc.bias, classes: {x: [a, d], y: 2, z: b}}}\n");
    if (!p.plan->ok) eg_problems_print(&p.problems, stdout, false);
    assert_true(p.plan->ok);
    assert_int_equal(p.plan->initialized, 0);
    const float *out = value_of(&p, "fc.weight");
    assert_float_equal(out[0], (at(&p, "fc.weight", 0) + at(&p, "fc.weight", 12)) / 2, 1e-6);
    assert_true(out[4] == at(&p, "fc.weight", 8) && out[8] == at(&p, "fc.weight", 4));
    done(&p);
}

static void s2_41_heads_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *source, *target, *lines, *code, *words;
    } rows[] = {
        {"[a, b, c]", "[b, c, a]", "", "class_order", "another order"},
        {"4", "[b, c, a]", "transfer: {head: {weight: fc.weight}}\n", "head", "source.classes with names"},
        {"[a, b, c]", "[x, y, z]", "transfer: {head: {weight: fc.weight}}\n", "head",
         "no class of the target"},
        {"[cat, b, c]", "[x, y, z]", "transfer: {head: {weight: fc.weight, classes: {x: catt}}}\n", "head",
         "the source has no class 'catt'; did you mean 'cat'?"},
        {"[a, b, c]", "[dog, y, z]", "transfer: {head: {weight: fc.weight, classes: {dgo: a}}}\n", "head",
         "the target has no class 'dgo'; did you mean 'dog'?"},
        {"[a, b, c, d]", "[a, y, z]", "transfer: {head: {weight: fc.weight}}\n", "head",
         "no row for each class"},
        {"[a, b, c]", "[a, y, z]", "transfer: {head: {weight: fc.wait}}\n", "head", "no tensor 'fc.wait'"},
        {"[a, b, c]", "[a, y, z]", "transfer: {skip: ['fc\\.weight'], head: {weight: fc.weight}}\n", "head",
         "'fc.weight' is skipped"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        planned p;
        begin(&p, "");
        plan_classes(&p, rows[i].source, rows[i].target, rows[i].lines);
        assert_false(p.plan->ok);
        bool right = strcmp(p.problems.items[0].code, rows[i].code) == 0 &&
                     strstr(p.problems.items[0].message, rows[i].words);
        if (!right) eg_problems_print(&p.problems, stdout, false);
        assert_true(right);
        done(&p);
    }
}

/* ---- dialects ---- */

static void dialects_bring_their_rules(void **state)
{
    (void)state;
    planned p;
    begin(&p, "module._orig_mod.");
    accepts(&p, "transfer: {mapping: [use: wrappers@1]}\n");
    assert_string_equal(step_of(&p, "fc.bias")->source->name, "module._orig_mod.fc.bias");
    done(&p);
    begin(&p, "");
    refused(&p, "transfer: {mapping: [use: dialects/wrappers@1]}\n", "unused_rule", 4, 27, "changes no name");
    done(&p);
    begin(&p, "");
    accepts(&p, "transfer: {mapping: [{use: wrappers@1, optional: true}]}\n");
    done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s2_06_concat_joins_parts_in_order),
        cmocka_unit_test(s2_06_groups_must_be_whole_and_alike),
        cmocka_unit_test(s2_07_stack_orders_by_number),
        cmocka_unit_test(s2_07_gaps_and_doubles_are_refused),
        cmocka_unit_test(split_takes_apart),
        cmocka_unit_test(transform_changes_views),
        cmocka_unit_test(transform_then_concat_then_transform),
        cmocka_unit_test(s2_25_dims_must_exist),
        cmocka_unit_test(s2_26_square_transposes_are_warned_of),
        cmocka_unit_test(s2_05_copy_is_one_to_many),
        cmocka_unit_test(s2_42_shift_renumbers),
        cmocka_unit_test(s2_21_verbs_without_effect_are_refused),
        cmocka_unit_test(s2_03_on_conflict_chooses),
        cmocka_unit_test(adapt_input_sums_or_repeats),
        cmocka_unit_test(size_rules_go_by_name),
        cmocka_unit_test(positions_are_interpolated_as_torch_does),
        cmocka_unit_test(head_rows_go_by_class),
        cmocka_unit_test(head_rows_are_averaged),
        cmocka_unit_test(s2_41_heads_are_checked),
        cmocka_unit_test(dialects_bring_their_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
