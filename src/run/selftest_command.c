/* engraft selftest: is what this machine computes right, and always the same? */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "format/json.h"
#include "kernel/arithmetic.h"
#include "run/selftest.h"
#include "run/table.h"

enum { MOST_COUNTS = 32, MOST_THREADS = 1024 };

void eg_selftest_add(eg_selftest *test, eg_selftest_check check)
{
    if (test->count == test->capacity) {
        size_t capacity = test->capacity ? 2 * test->capacity : 64;
        eg_selftest_check *checks = EG_NEW_ARRAY(test->arena, eg_selftest_check, capacity);
        if (test->count) memcpy(checks, test->checks, test->count * sizeof *checks);
        test->checks = checks;
        test->capacity = capacity;
    }
    test->checks[test->count++] = check;
    test->failed += !check.ok;
    eg_log_progress("selftest", test->count, test->count, check.name);
}

/* "1,2,7"; NULL: 1, 2, 3 and 7. */
static bool read_threads(eg_selftest *test, const char *text, eg_error *err)
{
    int *threads = EG_NEW_ARRAY(test->arena, int, MOST_COUNTS);
    const char *at = text ? text : "1,2,3,7";
    test->threads = threads;
    for (;;) {
        char *end;
        long n = strtol(at, &end, 10);
        if (end == at || (*end && *end != ',') || n < 1 || n > MOST_THREADS ||
            test->thread_count == MOST_COUNTS)
            return eg_fail(err, EG_USAGE,
                           "--threads is '%s'; expected at most %d numbers from 1 to %d, such as 1,2,7", text,
                           MOST_COUNTS, MOST_THREADS);
        threads[test->thread_count++] = (int)n;
        if (!*end) return true;
        at = end + 1;
    }
}

static bool print_json(const eg_selftest *test, eg_error *err)
{
    eg_json *json = eg_json_object(), *threads = eg_json_array(), *checks = eg_json_array();
    eg_json_bool(json, "ok", test->failed == 0);
    eg_json_string(json, "arithmetic", eg_arithmetic());
    for (size_t i = 0; i < test->thread_count; i++) eg_json_int(threads, NULL, test->threads[i]);
    eg_json_add(json, "threads", threads);
    for (size_t i = 0; i < test->count; i++) {
        const eg_selftest_check *c = &test->checks[i];
        eg_json *item = eg_json_object();
        eg_json_string(item, "group", c->group);
        eg_json_string(item, "name", c->name);
        eg_json_string(item, "form", c->form);
        eg_json_string(item, "result", c->result);
        eg_json_bool(item, "ok", c->ok);
        eg_json_add(checks, NULL, item);
    }
    eg_json_add(json, "checks", checks);
    bool ok = eg_json_print(json, stdout, err);
    eg_json_free(json);
    return ok;
}

static void print_table(const eg_selftest *test)
{
    static const bool right[EG_TABLE_COLUMNS] = {false};
    eg_row *rows = EG_NEW_ARRAY(test->arena, eg_row, test->count);
    printf("%s\n\n", eg_arithmetic());
    for (size_t i = 0; i < test->count; i++) {
        const eg_selftest_check *c = &test->checks[i];
        rows[i] = (eg_row){{c->ok ? "ok" : "WRONG", c->group, c->name, c->form, c->result}};
    }
    eg_table_print(rows, test->count, right);
    printf("\n%zu checks, %zu wrong\n", test->count, test->failed);
}

bool eg_run_selftest(const eg_selftest_options *options, eg_error *err)
{
    eg_arena arena = {0};
    eg_selftest test = {.arena = &arena, .quick = options->quick};
    bool ok = read_threads(&test, options->threads, err) && eg_selftest_kernels(&test, err) &&
              eg_selftest_training(&test, err);
    eg_log_progress_end();
    if (ok && options->json) ok = print_json(&test, err);
    if (ok && !options->json) print_table(&test);
    if (ok && test.failed)
        ok = eg_fail(err, EG_MISMATCH, "%zu of %zu checks are wrong: do not trust results of this machine",
                     test.failed, test.count);
    eg_arena_clear(&arena);
    return ok;
}
