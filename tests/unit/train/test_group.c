#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/regex.h"
#include "train/group.h"

static eg_pattern pattern(eg_arena *arena, const char *text)
{
    eg_place place = {.file = "recipe.yaml", .line = 7, .column = 3};
    return (eg_pattern){text, place, eg_regex_compile(arena, text, true, place, NULL)};
}

static eg_param params[] = {
    {.name = "conv.weight"}, {.name = "bn.weight"}, {.name = "bn.bias"}, {.name = "bn.mean", .buffer = true},
    {.name = "fc.weight"},   {.name = "fc.bias"},
};
static const eg_net net = {.params = params, .param_count = 6};
static const bool trainable[6] = {false, true, true, false, true, true};

static void first_match_wins_and_the_rest_is_default(void **state)
{
    (void)state;
    eg_arena arena = {0};
    eg_error err = {0};
    const eg_pattern exclude = pattern(&arena, ".*\\.bias");
    const eg_train_section section = {
        .lr = 0.1, .optimizer = {.weight_decay = 0.01, .exclude = {.items = &exclude, .count = 1}}};
    const eg_group_rule rules[] = {
        {pattern(&arena, "fc\\..*"), .lr = 0.5, .lr_mult = NAN, .weight_decay = 0.3},
        {pattern(&arena, ".*\\.weight"), .lr = NAN, .lr_mult = 0.1, .weight_decay = NAN},
    };
    const eg_groups *groups = eg_groups_build(&arena, &net, trainable, rules, 2, &section, &err);
    assert_non_null(groups);
    assert_int_equal(groups->count, 3);
    assert_string_equal(groups->names[2], "default");
    static const int32_t of[6] = {-1, 1, 2, -1, 0, 0};
    static const double decay[6] = {0, 0.01, 0, 0, 0.3, 0};
    for (int p = 0; p < 6; p++) {
        assert_int_equal(groups->of[p], of[p]);
        assert_true(groups->weight_decay[p] == decay[p]);
    }
    assert_true(groups->lr[0] == 0.5 && fabs(groups->lr[1] - 0.01) < 1e-12 && groups->lr[2] == 0.1);
    assert_int_equal(groups->members[0], 2);
    eg_arena_clear(&arena);
}

static void refused(const eg_group_rule *rules, size_t count, const eg_train_section *section,
                    const bool *trains, const char *words)
{
    eg_arena arena = {0};
    eg_error err = {0};
    assert_null(eg_groups_build(&arena, &net, trains, rules, count, section, &err));
    assert_int_equal(err.code, EG_RECIPE);
    assert_non_null(strstr(err.text, words));
    eg_arena_clear(&arena);
}

static void empty_groups_are_refused(void **state)
{
    (void)state;
    eg_arena arena = {0};
    const eg_train_section section = {.lr = 0.1}, no_lr = {.lr = NAN};
    const eg_group_rule frozen = {pattern(&arena, "conv\\..*"), 0.5, NAN, NAN};
    const eg_group_rule hidden[] = {{pattern(&arena, ".*"), 0.5, NAN, NAN},
                                    {pattern(&arena, "fc\\..*"), 0.5, NAN, NAN},
                                    {pattern(&arena, ".*"), 0.5, NAN, NAN}};
    refused(&frozen, 1, &section, trainable, "matches no trainable parameter");
    refused(hidden, 3, &section, trainable, "earlier groups take all");
    refused(hidden + 1, 1, &no_lr, trainable, "train.lr is not given");
    static const bool nothing[6] = {0};
    refused(NULL, 0, &section, nothing, "every parameter is frozen");
    /* A last `.*` that has nothing left to take is the customary default. */
    static const bool head[6] = {false, false, false, false, true, true};
    eg_error err = {0};
    assert_non_null(eg_groups_build(&arena, &net, head, hidden + 1, 2, &no_lr, &err));
    eg_arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_match_wins_and_the_rest_is_default),
        cmocka_unit_test(empty_groups_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
