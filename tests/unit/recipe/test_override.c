/* Overrides: --set a.b=value. */
#include "helper.h"

static const char base[] = HEAD "source: a.pth\n" TAIL_TRAIN "train: {epochs: 9, lr: 1, optimizer: sgd}\n"
                                "transfer: {skip: [a, b]}\n";

static const eg_recipe *with(checked *c, const char *override)
{
    check_with(c, base, &override, 1);
    if (!c->recipe) eg_problems_print(&c->problems, stdout, false);
    assert_non_null(c->recipe);
    return c->recipe;
}

static void values_replace(void **state)
{
    (void)state;
    checked c;
    assert_int_equal(with(&c, "train.epochs=1")->train.epochs, 1);
    done(&c);
    assert_string_equal(with(&c, "source.checkpoint=other.pth")->source.checkpoint, "lab/other.pth");
    done(&c);
    assert_true(with(&c, "train.optimizer.momentum=.9")->train.optimizer.momentum == 0.9);
    done(&c);
    assert_int_equal(with(&c, "train.optimizer={name: adamw}")->train.optimizer.kind, EG_ADAMW);
    done(&c);
    assert_string_equal(with(&c, "transfer.skip.1=c")->transfer.skip.items[1].text, "c");
    done(&c);
    assert_int_equal(with(&c, "transfer.skip=['fc\\..*']")->transfer.skip.count, 1);
    done(&c);
    assert_string_equal(eg_doc_find(with(&c, "target.num_classes=7")->target.args, "num_classes")->text, "7");
    done(&c);
    assert_string_equal(with(&c, "name=a=b")->name, "a=b");
    done(&c);
    assert_int_equal(with(&c, "train.loss.label_smoothing=0.5")->train.loss.label_smoothing == 0.5, true);
    done(&c);
}

static void an_empty_value_brings_the_default_back(void **state)
{
    (void)state;
    checked c;
    const char *overrides[] = {"train.batch_size=8", "train.batch_size="};
    check_with(&c, base, overrides, 2);
    assert_non_null(c.recipe);
    assert_int_equal(c.recipe->train.batch_size, 32);
    assert_int_equal(eg_doc_find(c.recipe->doc, "train")->count, 4);
    done(&c);
}

static void refuses_override(const char *override, const char *code, const char *words)
{
    checked c;
    check_with(&c, base, &override, 1);
    if (c.problems.count != 1) eg_problems_print(&c.problems, stdout, false);
    assert_int_equal(c.problems.count, 1);
    assert_string_equal(c.problems.items[0].code, code);
    if (!strstr(c.problems.items[0].message, words)) print_message("%s\n", c.problems.items[0].message);
    assert_non_null(strstr(c.problems.items[0].message, words));
    assert_int_equal(c.problems.items[0].place.line, 0);
    assert_non_null(strstr(c.problems.items[0].place.file, override));
    done(&c);
}

static void unknown_paths_name_the_nearest(void **state)
{
    (void)state;
    refuses_override("train.epoch=1", "unknown_path",
                     "'train.epoch' is no path in a recipe; did you mean 'train.epochs'?");
    refuses_override("epochs=1", "unknown_path", "did you mean 'train.epochs'?");
    refuses_override("trian.lr=1", "unknown_path", "did you mean 'train.lr'?");
    refuses_override("train.lr.x=1", "unknown_path", "'train.lr.x' is no path");
    refuses_override("train..lr=1", "unknown_path", "did you mean 'train.lr'?");
    refuses_override("transfer.skip.2=c", "unknown_path", "'2' is no item of a list of 2 (counted from 0)");
    refuses_override("transfer.skip.x=c", "unknown_path", "'x' is no item");
}

static void values_are_checked(void **state)
{
    (void)state;
    refuses_override("train.epochs=many", "wrong_type", "'epochs' expects a whole number, found 'many'");
    refuses_override("train.epochs", "bad_override", "expected 'path=value'");
    refuses_override("=3", "bad_override", "expected 'path=value'");
    refuses_override("transfer.skip=[a", "bad_override", "not YAML");
    refuses_override("extends=x", "bad_override", "belongs into the file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_replace),
        cmocka_unit_test(an_empty_value_brings_the_default_back),
        cmocka_unit_test(unknown_paths_name_the_nearest),
        cmocka_unit_test(values_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
