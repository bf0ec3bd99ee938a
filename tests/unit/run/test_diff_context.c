/* What `diff` tells beside the tensors' bits: ties that one file has and the other has not, and module
 * versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "run/diff_context.h"

static eg_arena arena;
static const float values[2] = {1, 2};

/* A checkpoint of these names; equal letters of `groups` share their bytes. */
static eg_checkpoint make(const char *const *names, const char *groups)
{
    static const int64_t dims[] = {2};
    size_t count = strlen(groups);
    eg_entry *entries = EG_NEW_ARRAY(&arena, eg_entry, count);
    for (size_t i = 0; i < count; i++) {
        const char *first = strchr(groups, groups[i]);
        entries[i] = eg_entry_in_memory(&arena, names[i], EG_F32, (eg_shape){1, dims}, values);
        if (first < groups + i) entries[i].storage = entries[first - groups].storage;
    }
    eg_checkpoint out = {.store = {.entries = entries, .count = count}};
    eg_store_index(&out.store, &arena);
    return out;
}

static int teardown(void **state)
{
    (void)state;
    eg_arena_clear(&arena);
    return 0;
}

static void equal_ties_are_no_difference(void **state)
{
    static const char *const names[] = {"a", "b", "c"}, *const turned[] = {"c", "b", "a"};
    eg_diff_context context;
    eg_checkpoint a = make(names, "xxy"), b = make(names, "xxy");
    (void)state;
    eg_diff_context_build(&context, &arena, &a, &b);
    assert_int_equal(context.tie_count, 0);
    b = make(turned, "yxx");
    eg_diff_context_build(&context, &arena, &a, &b);
    assert_int_equal(context.tie_count, 0);
}

static void ties_of_one_file(void **state)
{
    static const char *const names[] = {"a", "b", "c"}, *const fewer[] = {"b", "c"};
    eg_diff_context context;
    eg_checkpoint a = make(names, "xxx"), b = make(names, "xyz"), c = make(fewer, "xx");
    (void)state;
    eg_diff_context_build(&context, &arena, &a, &b);
    assert_int_equal(context.tie_count, 2);
    assert_string_equal(context.ties[0].name, "b");
    assert_string_equal(context.ties[0].with[0], "a");
    assert_null(context.ties[0].with[1]);
    /* the first name is in one file alone: the group is the same without it */
    eg_diff_context_build(&context, &arena, &a, &c);
    assert_int_equal(context.tie_count, 0);
}

static void versions_of_common_modules(void **state)
{
    static const char *const names[] = {"bn.weight", "fc.weight"}, *const others[] = {"bn.weight",
                                                                                      "head.weight"};
    static const eg_module_version one[] = {{"", 1}, {"bn", 2}, {"fc", 1}},
                                   two[] = {{"", 1}, {"bn", 1}, {"head", 1}}, few[] = {{"head", 1}};
    eg_checkpoint a = make(names, "xy"), b = make(others, "xy");
    eg_diff_context context;
    (void)state;
    a.versions = one, a.version_count = 3;
    b.versions = two, b.version_count = 3;
    eg_diff_context_build(&context, &arena, &a, &b);
    assert_int_equal(context.version_count, 1); /* fc and head are in one file alone */
    assert_string_equal(context.versions[0].path, "bn");
    assert_int_equal(context.versions[0].version[0], 2);
    assert_int_equal(context.versions[0].version[1], 1);
    b.versions = few, b.version_count = 1;
    eg_diff_context_build(&context, &arena, &b, &a);
    assert_int_equal(context.version_count, 2);
    assert_string_equal(context.versions[0].path, "");
    assert_false(context.versions[1].known[0]);
    assert_true(context.versions[1].known[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(equal_ties_are_no_difference, teardown),
        cmocka_unit_test_teardown(ties_of_one_file, teardown),
        cmocka_unit_test_teardown(versions_of_common_modules, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
