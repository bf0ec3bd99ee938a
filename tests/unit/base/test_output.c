/* Whatever ends a writer early, the old file stays whole and nothing stands in its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

enum { SKIPPED = 77, MEGABYTE = 1 << 20 };

static char folder[] = "/tmp/engraft-output-XXXXXX";
static eg_arena arena;

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

static const char *target(void)
{
    return eg_path_join(&arena, folder, "model");
}

static size_t count_files(const char *where)
{
    const char *const *names;
    size_t count = 0;
    eg_error err = {0};
    return eg_folder_list(&arena, where, &names, &count, &err) ? count : 0;
}

static bool holds(const char *path, const char *text)
{
    eg_error err = {0};
    const char *found = eg_file_read(&arena, path, 100, NULL, &err);
    return found && strcmp(found, text) == 0;
}

/* Runs in a process of its own; returns its exit code, or minus the signal that ended it. */
static int in_child(int (*run)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) _exit(run());
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void room_is_left_and_filled(void **state)
{
    eg_error err = {0};
    char text[16];
    (void)state;
    eg_output *output = eg_output_open(target(), &err);
    assert_true(eg_output_write(output, "ab", 2, &err));
    assert_true(eg_output_skip(output, 3, &err));
    assert_int_equal(output->size, 5);
    assert_true(eg_output_write(output, "f", 1, &err));
    assert_true(eg_output_allocate(output, &err));
    assert_true(eg_output_write_at(output, 3, "de", 2, &err));
    eg_output_start(output);
    assert_true(eg_output_write(output, "g", 1, &err));
    assert_true(eg_output_commit(output, &err));
    int fd = open(target(), O_RDONLY);
    assert_true(fd >= 0 && eg_read_at(fd, 0, text, 7, &err));
    assert_memory_equal(text, "ab\0defg", 7);
    assert_false(eg_read_at(fd, 5, text, 3, &err));
    assert_non_null(strstr(err.text, "ends at byte 7, 1 bytes early"));
    close(fd);
}

static eg_output *begin(eg_error *err)
{
    static const char block[MEGABYTE];
    eg_output *output = eg_output_open(target(), err);
    return output && eg_output_write(output, block, sizeof block, err) ? output : NULL;
}

static int be_killed(void)
{
    eg_error err = {0};
    if (begin(&err)) raise(SIGKILL);
    return 0;
}

/* Has the file system of the folder files without a name? */
static bool has_unnamed_files(void)
{
    eg_error err = {0};
    eg_output *output = eg_output_open(target(), &err);
    bool unnamed = output && !output->temporary;
    eg_output_abandon(output);
    return unnamed;
}

static void a_killed_writer_leaves_the_old_file_alone(void **state)
{
    eg_error err = {0};
    (void)state;
    assert_true(eg_file_write(target(), "old", 3, &err));
    size_t files = count_files(folder);
    assert_int_equal(in_child(be_killed), -SIGKILL);
    assert_true(holds(target(), "old"));
    if (!has_unnamed_files()) skip();
    assert_int_equal(count_files(folder), files);
}

/* The name that a killed writer may leave between naming and renaming is stepped over. */
static void a_name_that_is_taken_is_stepped_over(void **state)
{
    eg_error err = {0};
    (void)state;
    const char *taken = eg_path_join(&arena, folder, "model.000000");
    assert_true(eg_file_write(taken, "taken", 5, &err));
    size_t files = count_files(folder);
    assert_true(eg_file_write(target(), "new", 3, &err));
    assert_true(holds(target(), "new") && holds(taken, "taken"));
    assert_int_equal(count_files(folder), files);
    assert_int_equal(unlink(taken), 0);
}

static void all_that_was_written_can_be_read_before_it_is_in_place(void **state)
{
    eg_error err = {0};
    const char *text = NULL;
    (void)state;
    eg_output *output = eg_output_open(target(), &err);
    assert_true(eg_output_text(output, &arena, &text, &err));
    assert_string_equal(text, "");
    assert_true(eg_output_write(output, "one ", 4, &err));
    assert_true(eg_output_text(output, &arena, &text, &err));
    assert_string_equal(text, "one ");
    assert_true(eg_output_write(output, "two", 3, &err));
    assert_true(eg_output_text(output, &arena, &text, &err));
    assert_string_equal(text, "one two");
    assert_true(eg_output_commit(output, &err));
    assert_true(holds(target(), "one two"));
}

static int meet_a_limit(void)
{
    const struct rlimit limit = {MEGABYTE / 2, MEGABYTE / 2};
    eg_error err = {0};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    eg_output *output = eg_output_open(target(), &err);
    bool found = output && eg_output_skip(output, MEGABYTE, &err) && !eg_output_allocate(output, &err);
    eg_output_abandon(output);
    return !(found && err.code == EG_SYSTEM && strstr(err.text, "File too large (1048576 bytes are needed)"));
}

static void a_limit_is_found_before_anything_is_written(void **state)
{
    eg_error err = {0};
    (void)state;
    assert_true(eg_file_write(target(), "old", 3, &err));
    size_t files = count_files(folder);
    assert_int_equal(in_child(meet_a_limit), 0);
    assert_true(holds(target(), "old"));
    assert_int_equal(count_files(folder), files);
}

/* An empty file system of 256 kB in a mount namespace of this process's own. */
static bool mount_alone(const char *where)
{
    bool alone = unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
    return alone && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", where, "tmpfs", 0, "size=256k") == 0;
}

static int fill_a_disk(void)
{
    eg_error err = {0};
    static const char block[MEGABYTE];
    if (!mount_alone(folder)) return SKIPPED;
    if (!eg_file_write(target(), "old", 3, &err)) return 1;
    eg_output *output = eg_output_open(target(), &err);
    if (!output || !eg_output_skip(output, MEGABYTE, &err) || eg_output_allocate(output, &err)) return 2;
    if (err.code != EG_SYSTEM || !strstr(err.text, "No space left on device")) return 3;
    eg_output_abandon(output);
    if (eg_file_write(target(), block, sizeof block, &err)) return 4;
    return holds(target(), "old") && count_files(folder) == 1 ? 0 : 5;
}

static void a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    int code = in_child(fill_a_disk);
    if (code == SKIPPED) skip(); /* no file system can be mounted here */
    assert_int_equal(code, 0);
}

/* Without /proc a file cannot get its name afterwards: as on file systems that have no files without names.
 */
static int write_without_proc(void)
{
    eg_error err = {0};
    if (!mount_alone("/proc")) return SKIPPED;
    size_t files = count_files(folder);
    eg_output *output = eg_output_open(target(), &err);
    if (!output || !output->temporary || access(output->temporary, F_OK) != 0) return 1;
    if (!eg_output_write(output, "new", 3, &err) || count_files(folder) != files + 1) return 2;
    eg_output_abandon(output);
    if (!holds(target(), "old") || count_files(folder) != files) return 3;
    if (!eg_file_write(target(), "new", 3, &err)) return 4;
    return holds(target(), "new") && count_files(folder) == files ? 0 : 5;
}

static void without_files_that_have_no_name_it_has_a_temporary_one(void **state)
{
    eg_error err = {0};
    (void)state;
    assert_true(eg_file_write(target(), "old", 3, &err));
    int code = in_child(write_without_proc);
    if (code == SKIPPED) skip(); /* no file system can be mounted here */
    assert_int_equal(code, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room_is_left_and_filled),
        cmocka_unit_test(all_that_was_written_can_be_read_before_it_is_in_place),
        cmocka_unit_test(a_killed_writer_leaves_the_old_file_alone),
        cmocka_unit_test(a_name_that_is_taken_is_stepped_over),
        cmocka_unit_test(a_limit_is_found_before_anything_is_written),
        cmocka_unit_test(a_full_disk_leaves_the_old_file),
        cmocka_unit_test(without_files_that_have_no_name_it_has_a_temporary_one),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
