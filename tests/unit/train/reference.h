/* Numbers that PyTorch computed: tests/data/train/reference.txt, one line a list, a name and its numbers. */
#ifndef TESTS_UNIT_TRAIN_REFERENCE_H
#define TESTS_UNIT_TRAIN_REFERENCE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* The numbers of that name; *count of them. Fails the test when there are none. */
static double *read_reference(eg_arena *arena, const char *name, size_t *count)
{
    const char *path =
        eg_arena_printf(arena, "%s/tests/data/train/reference.txt", getenv("ENGRAFT_TEST_ROOT"));
    char *text = eg_file_read(arena, path, 1 << 20, NULL, NULL);
    assert_non_null(text);
    const char *key = eg_arena_printf(arena, "\n%s ", name);
    const char *line = strstr(eg_arena_printf(arena, "\n%s", text), key);
    assert_non_null(line);
    line += strlen(key) - 1;
    double *numbers = EG_NEW_ARRAY(arena, double, strcspn(line + 1, "\n"));
    for (*count = 0; *line == ' '; ++*count) {
        char *end;
        numbers[*count] = strtod(line, &end);
        line = end;
    }
    return numbers;
}

static inline float *read_reference_f32(eg_arena *arena, const char *name, size_t *count)
{
    double *numbers = read_reference(arena, name, count);
    float *floats = EG_NEW_ARRAY(arena, float, *count);
    for (size_t i = 0; i < *count; i++) floats[i] = (float)numbers[i];
    return floats;
}

#endif
