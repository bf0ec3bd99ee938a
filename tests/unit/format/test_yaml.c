/* YAML documents: trees with places, aliases and merges within bounds, and sentences for what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "format/yaml.h"

static const eg_doc *parse(eg_arena *arena, const char *text)
{
    eg_error err = {0};
    const eg_doc *doc = eg_doc_parse(arena, "t.yaml", text, strlen(text), &err);
    if (!doc) print_message("%u:%u %s\n", err.line, err.column, err.text);
    assert_non_null(doc);
    return doc;
}

static void refuse(const char *text, size_t length, unsigned line, unsigned column, const char *words)
{
    eg_arena arena = {0};
    eg_error err = {0};
    assert_null(eg_doc_parse(&arena, "t.yaml", text, length, &err));
    if (err.line != line || err.column != column || !strstr(err.text, words))
        print_message("for '%s': %u:%u %s\n", text, err.line, err.column, err.text);
    assert_int_equal(err.code, EG_RECIPE);
    assert_string_equal(err.file, "t.yaml");
    assert_int_equal(err.line, line);
    assert_int_equal(err.column, column);
    assert_non_null(strstr(err.text, words));
    eg_arena_clear(&arena);
}

static void refuses(const char *text, unsigned line, unsigned column, const char *words)
{
    refuse(text, strlen(text), line, column, words);
}

static void keeps_texts_and_places(void **state)
{
    (void)state;
    eg_arena arena = {0};
    const eg_doc *doc = parse(&arena, "recipe: 1\nlist: [no, 'no', \"a\\tb\"]\nempty:\n\xC3\xA9: x\n");
    assert_int_equal(doc->kind, EG_DOC_MAP);
    assert_int_equal(doc->count, 4);
    assert_string_equal(eg_doc_find(doc, "recipe")->text, "1");
    const eg_doc *list = eg_doc_find(doc, "list");
    assert_int_equal(list->kind, EG_DOC_LIST);
    assert_true(list->items[0]->plain);
    assert_false(list->items[1]->plain);
    assert_string_equal(list->items[2]->text, "a\tb");
    assert_int_equal(list->items[1]->place.line, 2);
    assert_int_equal(list->items[1]->place.column, 12);
    assert_true(eg_doc_is_null(eg_doc_find(doc, "empty")));
    assert_null(eg_doc_find(doc, "absent"));
    assert_true(eg_doc_is_null(NULL));
    /* columns are characters, not bytes */
    assert_int_equal(eg_doc_find(doc, "\xC3\xA9")->place.column, 4);
    eg_arena_clear(&arena);
}

static void nulls_are_plain(void **state)
{
    (void)state;
    eg_arena arena = {0};
    const eg_doc *doc = parse(&arena, "[null, ~, 'null', \"\", NULL, nil]");
    bool expected[] = {true, true, false, false, true, false};
    for (size_t i = 0; i < 6; i++) assert_int_equal(eg_doc_is_null(doc->items[i]), expected[i]);
    assert_true(eg_doc_is_null(parse(&arena, "")));
    assert_true(eg_doc_is_null(parse(&arena, "# only a comment\n")));
    assert_true(eg_doc_is_null(parse(&arena, "---\n...\n")));
    eg_arena_clear(&arena);
}

static void skips_a_byte_order_mark(void **state)
{
    (void)state;
    eg_arena arena = {0};
    const eg_doc *doc = parse(&arena, "\xEF\xBB\xBF"
                                      "a: 1\n");
    assert_int_equal(doc->keys[0]->place.column, 1);
    assert_string_equal(doc->keys[0]->text, "a");
    eg_arena_clear(&arena);
}

static void expands_aliases_and_merges(void **state)
{
    (void)state;
    eg_arena arena = {0};
    const eg_doc *doc = parse(&arena, "base: &b {lr: 1, momentum: 0.9}\n"
                                      "other: &o {lr: 7, decay: 3}\n"
                                      "x: {<<: *b, lr: 2}\n"
                                      "y: {<<: [*b, *o], z: *o}\n"
                                      "q: {'<<': 1}\n");
    const eg_doc *x = eg_doc_find(doc, "x"), *y = eg_doc_find(doc, "y");
    assert_int_equal(x->count, 2);
    assert_string_equal(eg_doc_find(x, "lr")->text, "2");
    assert_string_equal(eg_doc_find(x, "momentum")->text, "0.9");
    assert_string_equal(eg_doc_find(y, "lr")->text, "1");
    assert_string_equal(eg_doc_find(y, "decay")->text, "3");
    assert_string_equal(eg_doc_find(eg_doc_find(y, "z"), "lr")->text, "7");
    assert_int_equal(eg_doc_find(x, "momentum")->place.line, 1);
    assert_string_equal(eg_doc_find(eg_doc_find(doc, "q"), "<<")->text, "1");
    eg_arena_clear(&arena);
}

static void refuses_duplicate_keys(void **state)
{
    (void)state;
    refuses("a: 1\nb: 2\n'a': 3\n", 3, 1, "key 'a' stands twice in one mapping (first on line 1)");
    refuses("a: &x {p: 1}\nb: {<<: *x, <<: *x}\n", 2, 13, "'<<' stands twice");
}

static void refuses_bad_merges(void **state)
{
    (void)state;
    refuses("a: {<<: 3}\n", 1, 9, "expects a mapping or a list of mappings");
    refuses("a: {<<: [{b: 1}, 4]}\n", 1, 9, "expects a mapping or a list of mappings");
}

static void advises_single_quotes_for_patterns(void **state)
{
    (void)state;
    refuses("skip: [\"fc\\..*\"]\n", 1, 11, "use single quotes");
    refuses("skip: *weight\n", 1, 7, "needs single quotes");
    refuses("a:\n  - *.weight\n", 2, 6, "needs single quotes");
    refuses("skip: [a-z]\\..*\n", 1, 12, "needs single quotes");
    refuses("skip: !x\n", 1, 7, "needs single quotes");
    refuses("skip: @x\n", 1, 7, "single quotes");
    refuses("skip: `x\n", 1, 7, "single quotes");
    refuses("a:\n\t- b\n", 2, 1, "spaces, not tabs");
    refuses("key: value: x\n", 1, 11, "': ' needs single quotes");
}

static void refuses_what_is_not_one_plain_document(void **state)
{
    (void)state;
    refuses("a: 1\n---\nb: 2\n", 2, 1, "a second document");
    refuses("a: !!str 1\n", 1, 4, "tags are not supported");
    refuses("a: !!map {b: 1}\n", 1, 4, "tags are not supported");
    refuses("a: !!seq [b]\n", 1, 4, "tags are not supported");
    refuses("{[a]: 1}\n", 1, 2, "a key must be a text");
    refuses("? \n: 1\n", 1, 2, "a key must be a text");
    refuses("a: \"x\\0y\"\n", 1, 4, "zero character");
    refuse("ab: \xFF\n", 6, 1, 5, "not YAML");
    refuse("a: b\nc: \0d\n", 11, 2, 4, "not YAML");
    refuses("a: [1, 2\n", 2, 1, "not YAML");
}

static void bounds_depth_and_aliases(void **state)
{
    (void)state;
    char text[4096] = "";
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    eg_arena arena = {0};
    parse(&arena, text);
    eg_arena_clear(&arena);
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    refuses(text, 1, 65, "64 levels");

    eg_buf laughs = {0};
    eg_buf_puts(&laughs, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
        eg_buf_printf(&laughs, "a%d: &a%d [", i, i);
        for (int j = 0; j < 9; j++) eg_buf_printf(&laughs, "%s*a%d", j ? ", " : "", i - 1);
        eg_buf_puts(&laughs, "]\n");
    }
    refuses(laughs.data, 6, 10, "more than 100000 nodes");
    eg_buf_clear(&laughs);

    eg_buf deep = {0};
    eg_buf_puts(&deep, "a0: &a0 x\n");
    for (int i = 1; i < 100; i++) eg_buf_printf(&deep, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    refuses(deep.data, 64, 12, "nests deeper");
    eg_buf_clear(&deep);

    refuses("a: &a [*a]\n", 1, 8, "inside its own anchor");
    refuses("a: *b\nb: &b 1\n", 1, 4, "names no anchor before it");
}

static bool same(const eg_doc *a, const eg_doc *b)
{
    bool equal = a->kind == b->kind && a->count == b->count && strcmp(a->text, b->text) == 0 &&
                 (a->kind != EG_DOC_SCALAR || a->plain == b->plain);
    for (size_t i = 0; equal && i < a->count; i++)
        equal = same(a->items[i], b->items[i]) &&
                (a->kind != EG_DOC_MAP || strcmp(a->keys[i]->text, b->keys[i]->text) == 0);
    return equal;
}

static void writes_what_it_reads(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "a: 1\nb: 'it''s'\nc: \"x\\ny\\u2028\\x07\"\nd: {}\ne: []\nf:\n",
        "- - a\n  - {b: c, d: [e, {f: g}]}\n-\n- [[], {}, [x]]\n- 'null'\n- ~\n",
        "? \"a very long key that goes on and on and on and on and on and on and on and on and on and on and "
        "on \\n\"\n"
        ": {x: y}\nz: 1\n",
        "plain text\n",
        "k: a, b ]\nl: [-x, \"- y\", 'a, b', '#c']\nm: '\xC3\xA9'\nn: \"'\\\"\"\no: :x\n",
        "a: |\n  one\n  two\nb: >\n  x\n\n  y\n",
        "a: &x {lr: 1}\nb: {<<: *x, c: [*x, *x]}\n",
        "",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        eg_arena arena = {0};
        const eg_doc *doc = parse(&arena, texts[i]);
        const char *text = eg_doc_text(&arena, doc);
        bool equal = same(doc, parse(&arena, text));
        if (!equal) print_message("%s\n->\n%s\n", texts[i], text);
        assert_true(equal);
        assert_string_equal(text, eg_doc_text(&arena, parse(&arena, text)));
        eg_arena_clear(&arena);
    }
}

static void reads_files(void **state)
{
    (void)state;
    eg_arena arena = {0};
    eg_error err = {0};
    assert_null(eg_doc_read(&arena, "/nonexistent/r.yaml", &err));
    assert_int_equal(err.code, EG_SYSTEM);
    assert_string_equal(err.file, "/nonexistent/r.yaml");
    eg_arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_texts_and_places),
        cmocka_unit_test(nulls_are_plain),
        cmocka_unit_test(skips_a_byte_order_mark),
        cmocka_unit_test(expands_aliases_and_merges),
        cmocka_unit_test(refuses_duplicate_keys),
        cmocka_unit_test(refuses_bad_merges),
        cmocka_unit_test(advises_single_quotes_for_patterns),
        cmocka_unit_test(refuses_what_is_not_one_plain_document),
        cmocka_unit_test(bounds_depth_and_aliases),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(reads_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
