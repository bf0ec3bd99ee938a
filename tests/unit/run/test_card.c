#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "run/card.h"

static const char *const classes[] = {"ants", "Bienen \"süß\"", "c\\d"};

static eg_value input = {.rank = 3, .dims = {224, 192, 3}};

static const eg_net net = {
    .arch = "tiny",
    .text = "arch: tiny\n# a comment, \"quoted\"\nmodel:\n  fc: linear(2)\n",
    .args = "{num_classes: 3}",
    .values = &input,
    .value_count = 1,
};

static const eg_transform steps[] = {
    {.kind = EG_TRANSFORM_RESIZE, .height = 256, .interpolation = EG_BICUBIC},
    {.kind = EG_TRANSFORM_RESIZE, .height = 240, .width = 200, .interpolation = EG_NEAREST},
    {.kind = EG_TRANSFORM_CENTER_CROP, .height = 224, .width = 192},
    {.kind = EG_TRANSFORM_NORMALIZE,
     .channels = 3,
     .mean = {0.485, 0.456, 0.406},
     .std = {0.229, 0.224, 0.26862954}},
};

static void what_is_written_is_read(void **state)
{
    (void)state;
    eg_arena arena = {0};
    eg_error err = {0};
    const eg_transform_list preprocess = {steps, 4};
    const char *text = eg_card_text(&arena, &net, classes, 3, preprocess, "module.");
    const eg_card *card = eg_card_parse(&arena, text, &err);
    assert_non_null(card);
    assert_string_equal(card->arch, net.arch);
    assert_string_equal(card->architecture, net.text);
    assert_string_equal(card->args, net.args);
    assert_string_equal(card->prefix, "module.");
    assert_int_equal(card->class_count, 3);
    for (int i = 0; i < 3; i++) assert_string_equal(card->classes[i], classes[i]);
    assert_int_equal(card->preprocess.count, 4);
    for (int i = 0; i < 4; i++) {
        const eg_transform *a = &steps[i], *b = &card->preprocess.items[i];
        assert_int_equal(a->kind, b->kind);
        assert_int_equal(a->height, b->height);
        assert_int_equal(a->width, b->width);
        assert_int_equal(a->interpolation, b->interpolation);
        assert_int_equal(a->channels, b->channels);
        for (int c = 0; c < a->channels; c++) assert_true(a->mean[c] == b->mean[c] && a->std[c] == b->std[c]);
    }
    eg_arena_clear(&arena);
}

/* A card comes from a file that anybody may have made. */
static void broken_cards_are_refused(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "",
        "not JSON",
        "[]",
        "{\"arch\": \"tiny\"}",
        "{\"arch\": \"a\", \"architecture\": \"\", \"args\": \"{}\", \"prefix\": \"\", \"classes\": []}",
        "{\"arch\": \"a\", \"architecture\": \"\", \"args\": \"{}\", \"prefix\": \"\", \"classes\": [1], "
        "\"preprocess\": []}",
        "{\"arch\": \"a\", \"architecture\": \"\", \"args\": \"{}\", \"prefix\": \"\", \"classes\": [], "
        "\"preprocess\": [{\"resize\": {\"size\": -1, \"interpolation\": \"bilinear\"}}]}",
        "{\"arch\": \"a\", \"architecture\": \"\", \"args\": \"{}\", \"prefix\": \"\", \"classes\": [], "
        "\"preprocess\": [{\"explode\": {\"size\": 1}}]}",
        "{\"arch\": \"a\", \"architecture\": \"\", \"args\": \"{}\", \"prefix\": \"\", \"classes\": [], "
        "\"preprocess\": [{\"normalize\": {\"mean\": [0.5], \"std\": [0]}}]}",
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        eg_arena arena = {0};
        eg_error err = {0};
        assert_null(eg_card_parse(&arena, broken[i], &err));
        assert_int_equal(err.code, EG_MALFORMED);
        assert_true(err.text[0] != '\0');
        eg_arena_clear(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(broken_cards_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
