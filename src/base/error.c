#include "engraft/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool fill(eg_error *err, eg_code code, const char *id, const char *format, va_list args)
{
    if (!err || err->code != EG_OK) return false;
    err->code = code;
    snprintf(err->id, sizeof err->id, "%s", id);
    vsnprintf(err->text, sizeof err->text, format, args);
    return false;
}

bool eg_fail(eg_error *err, eg_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, code, "", format, args);
    va_end(args);
    return false;
}

bool eg_fail_id(eg_error *err, eg_code code, const char *id, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, code, id, format, args);
    va_end(args);
    return false;
}

bool eg_fail_at(eg_error *err, eg_code code, eg_place place, const char *format, ...)
{
    if (!err || err->code != EG_OK) return false;
    va_list args;
    va_start(args, format);
    fill(err, code, "", format, args);
    va_end(args);
    eg_error_in(err, place.file);
    err->line = place.line;
    err->column = place.column;
    return false;
}

bool eg_error_in(eg_error *err, const char *file)
{
    if (err && file && !err->file[0]) snprintf(err->file, sizeof err->file, "%s", file);
    return false;
}

void eg_error_format(const eg_error *err, char *out, uint64_t size)
{
    char place[1100] = "";
    if (err->file[0] && err->line)
        snprintf(place, sizeof place, "%s:%u:%u: ", err->file, err->line, err->column);
    else if (err->file[0])
        snprintf(place, sizeof place, "%s: ", err->file);
    snprintf(out, size, "%s%s%s%s", place, err->id, err->id[0] ? ": " : "", err->text);
}
