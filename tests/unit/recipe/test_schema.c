/* The schema: what a scalar means is decided by the key's type, and everything that is wrong is told at once.
 */
#include <math.h>

#include "helper.h"
#include "recipe/sections.h"

static eg_doc scalar(const char *text, bool plain)
{
    return (eg_doc){.text = text, .plain = plain};
}

static void numbers_are_written_in_many_ways(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"1e-4", 1e-4}, {".1", 0.1}, {"1_000", 1000}, {"-2.5E+3", -2500}, {"+7", 7},
                {"0", 0},       {"1.", 1},   {"5e-4", 5e-4},  {"010", 10},        {"1_0.2_5", 10.25}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        double value = 0;
        eg_doc doc = scalar(good[i].text, true);
        assert_true(eg_scalar_number(&doc, &value));
        assert_true(value == good[i].value);
    }
    static const char *const bad[] = {"",     "e3",  ".",   "1__0", "_1",  "1_",    "1e",  "1e+",  "nan",
                                      ".inf", "0x1", "1,5", "1 ",   "--1", "1e999", "yes", "1._5", "1.5.2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double value = 0;
        eg_doc doc = scalar(bad[i], true);
        if (eg_scalar_number(&doc, &value)) print_message("'%s' is taken for %g\n", bad[i], value);
        assert_false(eg_scalar_number(&doc, &value));
    }
}

static void whole_numbers_are_exact(void **state)
{
    (void)state;
    int64_t value = 0;
    eg_doc doc = scalar("9_223_372_036_854_775_806", true);
    assert_true(eg_scalar_int(&doc, &value));
    assert_true(value == 9223372036854775806);
    doc = scalar("1e2", true);
    assert_true(eg_scalar_int(&doc, &value));
    assert_int_equal(value, 100);
    doc = scalar("1.5", true);
    assert_false(eg_scalar_int(&doc, &value));
    doc = scalar("9223372036854775808", true);
    assert_false(eg_scalar_int(&doc, &value));
    doc = scalar("1e17", true);
    assert_false(eg_scalar_int(&doc, &value));
}

static void bools_are_plain_words(void **state)
{
    (void)state;
    bool value = false;
    eg_doc doc = scalar("Yes", true);
    assert_true(eg_scalar_bool(&doc, &value));
    assert_true(value);
    doc = scalar("off", true);
    assert_true(eg_scalar_bool(&doc, &value));
    assert_false(value);
    doc = scalar("true", false);
    assert_false(eg_scalar_bool(&doc, &value));
    doc = scalar("1", true);
    assert_false(eg_scalar_bool(&doc, &value));
}

static void texts_stay_texts(void **state)
{
    (void)state;
    checked c;
    const eg_recipe *r =
        accept(&c, "recipe: 1\nname: 1e3\ndescription: no\ntarget: {arch: x, classes: [no, 007, on]}\n");
    assert_string_equal(r->name, "1e3");
    assert_string_equal(r->description, "no");
    assert_string_equal(r->target.classes[0], "no");
    assert_string_equal(r->target.classes[1], "007");
    assert_string_equal(r->target.classes[2], "on");
    done(&c);
}

static void wrong_types_say_what_was_expected(void **state)
{
    (void)state;
    refuses("transfer: {expect: {loaded: many}}\n", "wrong_type", 3, 29,
            "'loaded' expects a whole number, found 'many'");
    refuses("transfer: {expect: {loaded: [3]}}\n", "wrong_type", 3, 29, "found a list");
    refuses("transfer: {expect: {min_loaded: {}}}\n", "wrong_type", 3, 33,
            "expects a number, found an empty mapping");
    refuses("transfer: {allow_frozen_init: maybe}\n", "wrong_type", 3, 31, "true or false, found 'maybe'");
    refuses("transfer: {missing: innit}\n", "wrong_type", 3, 21,
            "'missing' expects one of error, init, found 'innit'; did you mean 'init'?");
    refuses("transfer: {missing: [init]}\n", "wrong_type", 3, 21, "one of error, init, found a list");
    refuses("transfer: 3\n", "wrong_type", 3, 11, "'transfer' expects a mapping, found '3'");
    refuses("name: [a]\n", "wrong_type", 3, 7, "'name' expects a text, found a list");
    refuses("source: {checkpoint: ''}\n", "wrong_type", 3, 22, "'checkpoint' expects a path");
    refuses("data: {train: {folder: d, classes: cat}}\n", "wrong_type", 3, 36,
            "a list of texts, found 'cat'");
}

static void ranges_are_told(void **state)
{
    (void)state;
    refuses("transfer: {expect: {min_loaded: 1.5}}\n", "out_of_range", 3, 33,
            "'min_loaded' is 1.5, expected a value between 0 and 1");
    refuses("transfer: {expect: {loaded: -1}}\n", "out_of_range", 3, 29,
            "'loaded' is -1, expected 0 or more");
    refuses(TAIL_TRAIN "train: {lr: 1, epochs: 0}\n", "out_of_range", 4, 24, "'epochs' is 0");
    refuses(TAIL_TRAIN "train: {lr: 1, epochs: 1, optimizer: {name: adamw, betas: [0.9, 1]}}\n",
            "out_of_range", 4, 65, "'betas' is 1");
}

static void unknown_keys_name_the_nearest(void **state)
{
    (void)state;
    refuses("transfer: {skpi: a}\n", "unknown_key", 3, 12,
            "unknown key 'skpi' in 'transfer'; did you mean 'skip'?");
    refuses("transferr: {}\n", "unknown_key", 3, 1, "unknown key 'transferr'; did you mean 'transfer'?");
    refuses("epochs: 3\n", "unknown_key", 3, 1, "unknown key 'epochs'; did you mean 'train.epochs'?");
    refuses("zzzzzzzzz: 3\n", "unknown_key", 3, 1, "unknown key 'zzzzzzzzz'");
}

static void keys_of_another_kind_are_refused(void **state)
{
    (void)state;
    refuses(TAIL_TRAIN "train: {lr: 1, epochs: 1, optimizer: {name: adamw, momentum: 0.9}}\n", "unknown_key",
            4, 52, "'momentum' has no meaning for name 'adamw'");
    refuses("init: [{match: a, init: zeros, std: 1}]\n", "unknown_key", 3, 32,
            "'std' has no meaning for init 'zeros'");
    refuses("init: [{match: a, init: constant}]\n", "missing_key", 3, 8, "'value' is missing in 'init'");
}

static void everything_is_told_at_once(void **state)
{
    (void)state;
    checked c;
    check(&c, "recipe: 2\nsource: {chekpoint: a}\ntarget: {}\ntransfer: {skip: '(', missing: x}\ntrain: "
              "{epochs: x}\n");
    assert_true(has(&c, "wrong_type", 1, 9, "version, which is 1"));
    assert_true(has(&c, "unknown_key", 2, 10, "did you mean 'checkpoint'?"));
    assert_false(has(&c, "missing_key", 2, 9, "'checkpoint' is missing in 'source'")); /* it is misspelt */
    assert_true(has(&c, "missing_key", 3, 9, "'arch' is missing in 'target'"));
    assert_true(has(&c, "bad_pattern", 4, 18, "not a regular expression"));
    assert_true(has(&c, "wrong_type", 4, 32, "'missing' expects one of"));
    assert_true(has(&c, "wrong_type", 5, 17, "a whole number"));
    assert_true(has(&c, "missing_key", 5, 8, "'lr' is missing in 'train'"));
    assert_true(has(&c, "missing_key", 5, 8, "'data.train' is missing"));
    assert_int_equal(c.problems.errors, 8);
    assert_non_null(strstr(c.err.text, "and 7 more"));
    done(&c);
}

static void keys_of_later_versions_are_refused_by_name(void **state)
{
    (void)state;
    refuses("source: {checkpoint: a, weights: ema}\n", "unsupported", 3, 34, "'weights: ema' is not");
    refuses("source: {checkpoint: 'https://x/y.pth'}\n", "unsupported", 3, 22, "download it");
    refuses("transfer: {mapping: [copy: {match: a, to: [a, b], tie: true}]}\n", "unsupported", 3, 56,
            "'tie: true' is not");
    refuses("data: {train: {csv: a}}\n", "unsupported", 3, 16, "'csv'");
    refuses(TAIL_TRAIN "train: {epochs: 1, lr: 1, steps: 9}\n", "unsupported", 4, 27, "'steps' is not");
    refuses(TAIL_TRAIN "train: {epochs: 1, lr: 1, keep: {}}\n", "unsupported", 4, 27, "'keep' is not");
    refuses(TAIL_TRAIN "train: {epochs: 1, lr: 1, loss: mse}\n", "unsupported", 4, 33, "'name: mse' is not");
    refuses("output: {tensorboard: x}\n", "unsupported", 3, 10, "'tensorboard' is not");
    refuses("data: {train: d, augment: [mixup]}\n", "unsupported", 3, 28, "'step: mixup' is not");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_in_many_ways),
        cmocka_unit_test(whole_numbers_are_exact),
        cmocka_unit_test(bools_are_plain_words),
        cmocka_unit_test(texts_stay_texts),
        cmocka_unit_test(wrong_types_say_what_was_expected),
        cmocka_unit_test(ranges_are_told),
        cmocka_unit_test(unknown_keys_name_the_nearest),
        cmocka_unit_test(keys_of_another_kind_are_refused),
        cmocka_unit_test(everything_is_told_at_once),
        cmocka_unit_test(keys_of_later_versions_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
