/* `inspect`: the JSON that scripts rely on, the tree that people read, and what --stats finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/sha256.h"
#include "engraft/checkpoint.h"
#include "engraft/run.h"
#include "format/json.h"

static eg_arena arena;

static int teardown(void **state)
{
    (void)state;
    eg_arena_clear(&arena);
    return 0;
}

static const char *temporary(const char *extension)
{
    const char *folder = getenv("TMPDIR");
    return eg_arena_printf(&arena, "%s/engraft-inspect-%d.%s", folder ? folder : "/tmp", (int)getpid(),
                           extension);
}

/* A state dict with three like blocks, a tie, and values that are not right. */
static const char *write_model(void)
{
    static const float weights[3][4] = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}};
    static const float broken[] = {1, 0.0f / 0.0f, 1.0f / 0.0f, -1}, variance[] = {1, -2}, same[] = {3, 3};
    static const int64_t dims[] = {2, 2}, four[] = {4}, two[] = {2};
    eg_entry entries[7];
    for (int i = 0; i < 3; i++)
        entries[i] = eg_entry_in_memory(&arena, eg_arena_printf(&arena, "blocks.%d.weight", i), EG_F32,
                                        (eg_shape){2, dims}, weights[i]);
    entries[3] = eg_entry_in_memory(&arena, "broken", EG_F32, (eg_shape){1, four}, broken);
    entries[4] = eg_entry_in_memory(&arena, "bn.running_var", EG_F32, (eg_shape){1, two}, variance);
    entries[5] = eg_entry_in_memory(&arena, "bn.weight", EG_F32, (eg_shape){1, two}, same);
    entries[6] = entries[0];
    entries[6].name = "head.weight";
    const char *path = temporary("pth");
    eg_error err = {0};
    if (!eg_checkpoint_write(path, &(eg_store){.entries = entries, .count = 7}, NULL, &err))
        fail_msg("%s", err.text);
    return path;
}

/* What the command prints. */
static const char *inspect(eg_inspect_options options, eg_error *err)
{
    const char *path = temporary("out");
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    assert_non_null(freopen(path, "w", stdout));
    bool ok = eg_run_inspect(&options, err);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    eg_error why = {0};
    const char *text = eg_file_read(&arena, path, 1 << 20, NULL, &why);
    unlink(path);
    return ok ? text : NULL;
}

static void json_has_names_types_shapes_and_digests(void **state)
{
    const char *path = write_model();
    eg_error err = {0};
    char hex[65];
    (void)state;
    const char *text =
        inspect((eg_inspect_options){.file = path, .json = true, .digest = true, .stats = true}, &err);
    unlink(path);
    assert_non_null(text);
    eg_json *json = eg_json_parse(text, &err);
    assert_non_null(json);
    assert_string_equal(eg_json_get_string(json, "format"), "torch-zip");
    assert_string_equal(eg_json_get_string(json, "file"), path);
    assert_int_equal(eg_json_count(eg_json_get(json, "tensors")), 7);
    assert_int_equal(eg_json_count(eg_json_get(json, "entries")), 0);
    assert_int_equal(eg_json_count(eg_json_get(json, "unsafe")), 0);
    eg_json_free(json);
    eg_sha256_hex((const float[]){1, 2, 3, 4}, 16, hex);
    assert_non_null(strstr(text, hex));
    assert_non_null(strstr(text, "\"tied_to\": \"blocks.0.weight\""));
    assert_non_null(strstr(text, "\"nan\": 1"));
    assert_non_null(strstr(text, "\"inf\": 1"));
    assert_non_null(strstr(text, "\"negative_running_var\": true"));
    assert_non_null(strstr(text, "\"constant\": true"));
    assert_non_null(strstr(text, "\"mean\": 2.5"));
    assert_non_null(strstr(text, "\"std\": 1.29099445"));
}

static void table_folds_like_blocks(void **state)
{
    const char *path = write_model();
    eg_error err = {0};
    (void)state;
    const char *text = inspect((eg_inspect_options){.file = path}, &err);
    assert_non_null(text);
    assert_non_null(strstr(text, "0…2 ×3"));
    assert_non_null(strstr(text, "7 tensors, 24 elements (24 F32), 96 B"));
    assert_non_null(strstr(text, "= blocks.0.weight"));
    text = inspect((eg_inspect_options){.file = path, .stats = true}, &err);
    assert_null(strstr(text, "0…2 ×3")); /* every tensor has numbers of its own */
    assert_non_null(strstr(text, "1 NaN, 1 infinite"));
    assert_non_null(strstr(text, "negative variance"));
    unlink(path);
}

static void errors_pass_through(void **state)
{
    eg_error err = {0};
    (void)state;
    assert_null(inspect((eg_inspect_options){.file = "/nonexistent.pth"}, &err));
    assert_int_equal(err.code, EG_SYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(json_has_names_types_shapes_and_digests, teardown),
        cmocka_unit_test_teardown(table_folds_like_blocks, teardown),
        cmocka_unit_test_teardown(errors_pass_through, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
