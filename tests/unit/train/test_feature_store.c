/* Kept rows: what is written is read, files appear whole or not at all, and damage is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "train/feature_store.h"

enum { ROWS = 7, WIDTH = 13 };

static const char key[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static char folder[64];

static const char *path(void)
{
    static char text[160];
    snprintf(text, sizeof text, "%s/%s.features", folder, key);
    return text;
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/engraft-features-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path());
    return rmdir(folder);
}

static void fill_row(int64_t row, float *out)
{
    for (int i = 0; i < WIDTH; i++) out[i] = (float)(100 * row + i) / 7;
}

static void write_rows(eg_feature_store *store, int64_t from, int64_t end)
{
    float row[WIDTH];
    for (int64_t i = from; i < end; i++) {
        assert_false(eg_feature_store_has(store, i));
        fill_row(i, row);
        assert_true(eg_feature_store_write(store, i, row, NULL));
    }
}

static void check_rows(eg_feature_store *store)
{
    float row[WIDTH], expected[WIDTH];
    for (int64_t i = 0; i < ROWS; i++) {
        fill_row(i, expected);
        assert_true(eg_feature_store_has(store, i));
        assert_true(eg_feature_store_read(store, i, row));
        assert_memory_equal(row, expected, sizeof row);
    }
}

static eg_feature_store *open_store(void)
{
    eg_error err = {0};
    eg_feature_store *store = eg_feature_store_open(folder, key, ROWS, WIDTH, &err);
    if (!store) print_error("%s\n", err.text);
    assert_non_null(store);
    return store;
}

static void memory_gives_back_what_it_got(void **state)
{
    (void)state;
    eg_feature_store *store = eg_feature_store_memory(ROWS, WIDTH, NULL);
    write_rows(store, 0, ROWS);
    check_rows(store);
    assert_true(eg_feature_store_reset(store, NULL));
    assert_false(eg_feature_store_has(store, 0));
    eg_feature_store_close(store);
}

static void a_file_appears_with_its_last_row(void **state)
{
    (void)state;
    eg_feature_store *store = open_store(), *second = open_store();
    write_rows(store, 0, ROWS - 1);
    assert_false(eg_path_exists(path()));
    write_rows(store, ROWS - 1, ROWS);
    assert_true(eg_path_exists(path()));
    check_rows(store);
    write_rows(second, 0, ROWS); /* of a run beside it: it takes the first one's place */
    check_rows(second);
    check_rows(store);
    eg_feature_store_close(store);
    eg_feature_store_close(second);
    store = open_store();
    assert_true(eg_feature_store_found(store));
    check_rows(store);
    eg_feature_store_close(store);
}

static void what_is_not_complete_leaves_no_trace(void **state)
{
    (void)state;
    eg_feature_store *store = open_store();
    write_rows(store, 0, ROWS - 1);
    eg_feature_store_close(store);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(mkdir(folder, 0700), 0);
}

static void make_file(void)
{
    eg_feature_store *store = open_store();
    write_rows(store, 0, ROWS);
    eg_feature_store_close(store);
}

/* Every byte of the file but the zeros between sums and rows. */
static void every_changed_byte_is_found(void **state)
{
    (void)state;
    enum { HEAD = 16 + 3 * 8 + 64 + 8 + ROWS * 8, DATA = 4096, SIZE = DATA + ROWS * WIDTH * 4 };
    make_file();
    for (off_t at = 0; at < SIZE; at = at + 1 == HEAD ? DATA : at + 1) {
        uint8_t byte, changed;
        int fd = open(path(), O_RDWR);
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        changed = byte ^ 0x10;
        assert_int_equal(pwrite(fd, &changed, 1, at), 1);
        eg_feature_store *store = open_store();
        float row[WIDTH];
        int damaged = 0;
        for (int64_t i = 0; eg_feature_store_found(store) && i < ROWS; i++)
            damaged += !eg_feature_store_read(store, i, row);
        assert_true(!eg_feature_store_found(store) || damaged == 1);
        eg_feature_store_close(store);
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
    }
    eg_feature_store *store = open_store();
    check_rows(store);
    eg_feature_store_close(store);
}

static void a_shorter_file_is_none(void **state)
{
    (void)state;
    make_file();
    assert_int_equal(truncate(path(), 4096), 0);
    eg_feature_store *store = open_store();
    assert_false(eg_feature_store_found(store));
    write_rows(store, 0, ROWS);
    eg_feature_store_close(store);
    store = open_store();
    check_rows(store);
    assert_true(eg_feature_store_reset(store, NULL));
    assert_false(eg_path_exists(path()));
    eg_feature_store_close(store);
}

static void a_folder_that_cannot_be_is_told(void **state)
{
    (void)state;
    eg_error err = {0};
    assert_null(eg_feature_store_open("/proc/nowhere", key, ROWS, WIDTH, &err));
    assert_int_equal(err.code, EG_SYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_gives_back_what_it_got),
        cmocka_unit_test_setup_teardown(a_file_appears_with_its_last_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_complete_leaves_no_trace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_changed_byte_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_shorter_file_is_none, set_up, tear_down),
        cmocka_unit_test(a_folder_that_cannot_be_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
