#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static char folder[] = "/tmp/engraft-file-XXXXXX";
static eg_arena arena;

static const char *in_folder(const char *name)
{
    return eg_path_join(&arena, folder, name);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    eg_arena_clear(&arena);
    return system(command);
}

static void an_output_appears_only_when_committed(void **state)
{
    (void)state;
    const char *path = in_folder("out.bin"), *const * names;
    size_t count;
    eg_error err = {0};
    assert_true(eg_file_write(path, "old", 3, &err));
    eg_output *output = eg_output_open(path, &err);
    assert_true(eg_output_write(output, "new text", 8, &err));
    assert_string_equal(eg_file_read(&arena, path, 100, NULL, &err), "old");
    eg_output_abandon(output);
    assert_true(eg_folder_list(&arena, folder, &names, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(eg_file_read(&arena, path, 100, NULL, &err), "old");
    output = eg_output_open(path, &err);
    for (int i = 0; i < 50000; i++) assert_true(eg_output_write(output, "12345678", 8, &err));
    assert_int_equal(output->size, 400000);
    assert_true(eg_output_commit(output, &err));
    eg_mapping mapping;
    assert_true(eg_mapping_open(&mapping, path, &err));
    assert_int_equal(mapping.size, 400000);
    assert_memory_equal(mapping.bytes + 399992, "12345678", 8);
    eg_mapping_close(&mapping);
}

static void permissions_follow_the_umask(void **state)
{
    (void)state;
    struct stat st;
    mode_t old = umask(027);
    assert_true(eg_file_write(in_folder("mode"), "x", 1, NULL));
    umask(old);
    assert_int_equal(stat(in_folder("mode"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
}

static void missing_files_and_folders_are_system_errors(void **state)
{
    (void)state;
    eg_mapping mapping = {0};
    eg_error err = {0};
    char text[2048];
    assert_false(eg_mapping_open(&mapping, "/nowhere/x", &err));
    eg_error_format(&err, text, sizeof text);
    assert_string_equal(text, "/nowhere/x: cannot open the file: No such file or directory");
    assert_int_equal(err.code, EG_SYSTEM);
    err = (eg_error){0};
    assert_false(eg_mapping_open(&mapping, folder, &err));
    assert_string_equal(err.text, "this is a folder, expected a regular file");
    err = (eg_error){0};
    assert_null(eg_output_open("/nowhere/x", &err));
    assert_int_equal(err.code, EG_SYSTEM);
}

static void an_empty_file_maps(void **state)
{
    (void)state;
    eg_mapping mapping;
    assert_true(eg_file_write(in_folder("empty"), "", 0, NULL));
    assert_true(eg_mapping_open(&mapping, in_folder("empty"), NULL));
    assert_int_equal(mapping.size, 0);
    assert_non_null(mapping.bytes);
    eg_mapping_close(&mapping);
}

static void files_beyond_the_limit_are_refused(void **state)
{
    (void)state;
    eg_error err = {0};
    assert_true(eg_file_write(in_folder("big"), "0123456789", 10, NULL));
    assert_null(eg_file_read(&arena, in_folder("big"), 9, NULL, &err));
    assert_string_equal(err.text, "the file has 10 bytes, expected at most 9");
}

static void folders_are_made_with_parents_and_listed_sorted(void **state)
{
    (void)state;
    const char *const *names;
    size_t count;
    eg_error err = {0};
    assert_true(eg_folder_make(in_folder("a/b/c"), &err));
    assert_true(eg_folder_make(in_folder("a/b/c"), &err));
    assert_true(eg_file_write(in_folder("a/b/z"), "", 0, NULL));
    assert_true(eg_file_write(in_folder("a/b/B"), "", 0, NULL));
    assert_true(eg_folder_list(&arena, in_folder("a/b"), &names, &count, &err));
    assert_int_equal(count, 3);
    assert_string_equal(names[0], "B");
    assert_string_equal(names[1], "c");
    assert_string_equal(names[2], "z");
    assert_false(eg_folder_make(in_folder("a/b/z/d"), &err));
    assert_int_equal(err.code, EG_SYSTEM);
}

static void paths_join_and_split(void **state)
{
    (void)state;
    assert_string_equal(eg_path_folder(&arena, "a/b/c.yaml"), "a/b");
    assert_string_equal(eg_path_folder(&arena, "c.yaml"), ".");
    assert_string_equal(eg_path_folder(&arena, "/c.yaml"), "/");
    assert_string_equal(eg_path_name("a/b/c.yaml"), "c.yaml");
    assert_string_equal(eg_path_join(&arena, "a", "b"), "a/b");
    assert_string_equal(eg_path_join(&arena, "a/", "b"), "a/b");
    assert_string_equal(eg_path_join(&arena, ".", "b"), "b");
    assert_string_equal(eg_path_join(&arena, "a", "/b"), "/b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_output_appears_only_when_committed),
        cmocka_unit_test(permissions_follow_the_umask),
        cmocka_unit_test(missing_files_and_folders_are_system_errors),
        cmocka_unit_test(an_empty_file_maps),
        cmocka_unit_test(files_beyond_the_limit_are_refused),
        cmocka_unit_test(folders_are_made_with_parents_and_listed_sorted),
        cmocka_unit_test(paths_join_and_split),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
