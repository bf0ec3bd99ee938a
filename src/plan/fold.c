#include "plan/fold.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"

enum { MAX_NUMBERS = 8, MAX_DIGITS = 9 };

/* Length of a number that folds: neither too long nor with a leading zero; 0 for anything else. */
static size_t number_length(const char *text)
{
    size_t n = 0;
    while (isdigit((unsigned char)text[n])) n++;
    return n <= MAX_DIGITS && !(n > 1 && text[0] == '0') ? n : 0;
}

/* Digits that do not fold are taken over whole. */
static size_t literal_length(const char *text)
{
    size_t n = 0;
    while (isdigit((unsigned char)text[n])) n++;
    return n ? n : 1;
}

const char *eg_fold_shape(eg_arena *arena, const char *name)
{
    eg_buf out = {0};
    int numbers = 0;
    eg_buf_puts(&out, "");
    while (*name) {
        size_t n = numbers < MAX_NUMBERS ? number_length(name) : 0;
        numbers += n > 0;
        if (n)
            eg_buf_puts(&out, "#");
        else
            eg_buf_add(&out, name, n = literal_length(name));
        name += n;
    }
    return eg_buf_take(&out, arena);
}

typedef struct tuple {
    long at[MAX_NUMBERS];
} tuple;

static int take_numbers(const char *name, tuple *out)
{
    int count = 0;
    while (*name) {
        size_t n = count < MAX_NUMBERS ? number_length(name) : 0;
        if (n) out->at[count++] = strtol(name, NULL, 10);
        name += n ? n : literal_length(name);
    }
    return count;
}

static int compare_tuples(const void *a, const void *b)
{
    const tuple *x = a, *y = b;
    for (int i = 0; i < MAX_NUMBERS; i++)
        if (x->at[i] != y->at[i]) return x->at[i] < y->at[i] ? -1 : 1;
    return 0;
}

/* "7", "[1-5]" or "{0,2-4,9}" of ascending values. */
static void add_set(eg_buf *out, const long *values, size_t count)
{
    bool run = values[count - 1] - values[0] == (long)count - 1;
    if (count == 1) {
        eg_buf_printf(out, "%ld", values[0]);
    } else if (run) {
        eg_buf_printf(out, "[%ld-%ld]", values[0], values[count - 1]);
    } else {
        eg_buf_puts(out, "{");
        for (size_t i = 0, end; i < count; i = end) {
            for (end = i + 1; end < count && values[end] == values[end - 1] + 1;) end++;
            eg_buf_printf(out, i ? ",%ld" : "%ld", values[i]);
            if (end - i > 1) eg_buf_printf(out, end - i > 2 ? "-%ld" : ",%ld", values[end - 1]);
        }
        eg_buf_puts(out, "}");
    }
}

/* First numbers whose rests fold alike. */
typedef struct alike {
    const char *rest; /* lines, each ended by '\n'; in a line, sets ended by '\t' */
    long *values;
    size_t count;
} alike;

/* The lines that stand for sorted tuples from number `at` on. */
static const char *fold_tuples(eg_arena *arena, const tuple *tuples, size_t count, int at, int numbers)
{
    if (at == numbers) return "\n";
    alike *list = EG_NEW_ARRAY(arena, alike, count);
    eg_map *index = eg_map_new(arena);
    size_t found = 0;
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && tuples[end].at[at] == tuples[i].at[at];) end++;
        const char *rest = fold_tuples(arena, tuples + i, end - i, at + 1, numbers);
        int64_t known = eg_map_find(index, rest);
        if (known < 0) {
            known = (int64_t)found++;
            eg_map_add(index, rest, known);
            list[known] = (alike){rest, EG_NEW_ARRAY(arena, long, count - i), 0};
        }
        list[known].values[list[known].count++] = tuples[i].at[at];
    }
    eg_buf out = {0};
    for (size_t i = 0; i < found; i++) {
        for (const char *line = list[i].rest; *line;) {
            size_t length = strcspn(line, "\n") + 1;
            add_set(&out, list[i].values, list[i].count);
            eg_buf_puts(&out, "\t");
            eg_buf_add(&out, line, length);
            line += length;
        }
    }
    return eg_buf_take(&out, arena);
}

static size_t set_size(const char *set, size_t length)
{
    size_t size = 0;
    for (size_t i = 0; i < length;) {
        if (!isdigit((unsigned char)set[i])) {
            i++;
            continue;
        }
        char *end;
        long low = strtol(set + i, &end, 10), high = low;
        if (*end == '-') high = strtol(end + 1, &end, 10);
        size += (size_t)(high - low) + 1;
        i = (size_t)(end - set);
    }
    return size;
}

/* A line's sets put back where the first name has its numbers. */
static eg_fold fill_line(eg_arena *arena, const char *name, const char *line)
{
    eg_buf out = {0};
    eg_fold fold = {.count = 1};
    int numbers = 0;
    while (*name) {
        size_t n = numbers < MAX_NUMBERS ? number_length(name) : 0;
        if (n) {
            size_t length = strcspn(line, "\t");
            eg_buf_add(&out, line, length);
            fold.count *= set_size(line, length);
            line += length + 1;
            numbers++;
        } else {
            eg_buf_add(&out, name, n = literal_length(name));
        }
        name += n;
    }
    fold.text = eg_buf_take(&out, arena);
    return fold;
}

size_t eg_fold_names(eg_arena *arena, const char *const *names, size_t count, const eg_fold **folds)
{
    tuple *tuples = EG_NEW_ARRAY(arena, tuple, count);
    eg_fold *list = EG_NEW_ARRAY(arena, eg_fold, count);
    int numbers = 0;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) numbers = take_numbers(names[i], &tuples[i]);
    if (count) qsort(tuples, count, sizeof *tuples, compare_tuples);
    for (const char *line = count ? fold_tuples(arena, tuples, count, 0, numbers) : ""; *line;) {
        list[found++] = fill_line(arena, names[0], line);
        line += strcspn(line, "\n") + 1;
    }
    *folds = list;
    return found;
}
