#include "engraft/problem.h"

#include <string.h>

#include "base/file.h"

static eg_problem *append(eg_problems *problems, const char *code, eg_place place)
{
    if (problems->count == problems->capacity) {
        size_t capacity = problems->capacity ? problems->capacity * 2 : 16;
        eg_problem *items = EG_NEW_ARRAY(problems->arena, eg_problem, capacity);
        if (problems->count) memcpy(items, problems->items, problems->count * sizeof *items);
        problems->items = items;
        problems->capacity = capacity;
    }
    eg_problem *problem = &problems->items[problems->count++];
    if (place.file) place.file = eg_arena_string(problems->arena, place.file);
    *problem = (eg_problem){.code = code, .place = place};
    return problem;
}

void eg_problem_add(eg_problems *problems, const char *code, eg_place place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    eg_problem *problem = append(problems, code, place);
    problem->message = eg_arena_vprintf(problems->arena, format, args);
    va_end(args);
    problems->errors++;
}

void eg_problem_warn(eg_problems *problems, const char *code, eg_place place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    eg_problem *problem = append(problems, code, place);
    problem->message = eg_arena_vprintf(problems->arena, format, args);
    problem->warning = true;
    va_end(args);
}

void eg_problem_suggest(eg_problems *problems, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    problems->items[problems->count - 1].suggestion = eg_arena_vprintf(problems->arena, format, args);
    va_end(args);
}

static const char *find_line(const char *text, uint32_t line, size_t *length)
{
    for (uint32_t at = 1; at < line; at++) {
        text = strchr(text, '\n');
        if (!text) return NULL;
        text++;
    }
    *length = strcspn(text, "\r\n");
    return text;
}

/* The source line and a caret under the column; silent when the file cannot be read again. */
static void print_source(const eg_problem *problem, FILE *out)
{
    enum { FILE_LIMIT = 1 << 24 };
    eg_arena arena = {0};
    size_t length = 0;
    const char *text = eg_file_read(&arena, problem->place.file, FILE_LIMIT, NULL, NULL);
    const char *line = text ? find_line(text, problem->place.line, &length) : NULL;
    if (line && length < 200) {
        fprintf(out, "  %.*s\n  ", (int)length, line);
        for (uint32_t i = 1; i < problem->place.column && i <= length; i++)
            fputc(line[i - 1] == '\t' ? '\t' : ' ', out);
        fputs("^\n", out);
    }
    eg_arena_clear(&arena);
}

static void print_suggestion(const char *text, FILE *out)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        fprintf(out, "  > %.*s\n", (int)length, text);
        text += length + (text[length] == '\n');
    }
}

void eg_problems_print(const eg_problems *problems, FILE *out, bool colour)
{
    for (size_t i = 0; i < problems->count; i++) {
        const eg_problem *problem = &problems->items[i];
        const char *kind = problem->warning ? "warning" : "error";
        const char *on = !colour ? "" : problem->warning ? "\033[33m" : "\033[31m";
        if (problem->place.file && problem->place.line)
            fprintf(out, "%s:%u:%u: ", problem->place.file, problem->place.line, problem->place.column);
        else if (problem->place.file)
            fprintf(out, "%s: ", problem->place.file);
        fprintf(out, "%s%s%s: %s\n", on, kind, colour ? "\033[0m" : "", problem->message);
        if (problem->place.file && problem->place.line) print_source(problem, out);
        if (problem->suggestion) print_suggestion(problem->suggestion, out);
    }
}

bool eg_problems_check(const eg_problems *problems, eg_code code, eg_error *err)
{
    if (problems->errors == 0) return true;
    const eg_problem *first = problems->items;
    while (first->warning) first++;
    if (problems->errors == 1) return eg_fail_at(err, code, first->place, "%s", first->message);
    return eg_fail_at(err, code, first->place, "%s (and %zu more)", first->message, problems->errors - 1);
}
