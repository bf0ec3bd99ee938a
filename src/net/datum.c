#include "net/datum.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "net/body.h"
#include "net/helper.h"
#include "net/op.h"

eg_datum eg_datum_int(int64_t integer)
{
    return (eg_datum){.kind = EG_DATUM_INT, .integer = integer};
}

eg_datum eg_datum_bool(bool truth)
{
    return (eg_datum){.kind = EG_DATUM_BOOL, .integer = truth};
}

eg_datum eg_datum_real(double real)
{
    return (eg_datum){.kind = EG_DATUM_REAL, .real = real};
}

eg_datum eg_datum_text(const char *text)
{
    return (eg_datum){.kind = EG_DATUM_TEXT, .text = text};
}

bool eg_datum_is_integer(const eg_datum *datum)
{
    return datum->kind == EG_DATUM_INT || datum->kind == EG_DATUM_BOOL;
}

bool eg_datum_is_number(const eg_datum *datum)
{
    return eg_datum_is_integer(datum) || datum->kind == EG_DATUM_REAL;
}

double eg_datum_number(const eg_datum *datum)
{
    return datum->kind == EG_DATUM_REAL ? datum->real : (double)datum->integer;
}

/* The shortest form that reads back as the same number, as Python's repr(). */
static void write_real(eg_buf *buf, double real)
{
    char text[40];
    int digits = 1;
    for (; digits < 17; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, real);
        if (eg_number_parse(text) == real) break;
    }
    snprintf(text, sizeof text, "%.*e", digits - 1, real);
    int exponent = atoi(strchr(text, 'e') + 1), decimals = digits - 1 - exponent;
    if (exponent < -4 || exponent >= 16)
        eg_buf_printf(buf, "%.*g", digits, real);
    else
        eg_buf_printf(buf, "%.*f", decimals > 1 ? decimals : 1, real);
}

/* In quotes, so that it reads back as a text whatever it says; YAML escapes where it has control characters.
 */
static void write_text(eg_buf *buf, const char *text)
{
    bool escapes = false;
    for (const char *c = text; *c; c++) escapes |= (unsigned char)*c < 0x20;
    eg_buf_puts(buf, escapes ? "\"" : "'");
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20)
            eg_buf_printf(buf, "\\x%02x", (unsigned char)*c);
        else if (escapes && (*c == '"' || *c == '\\'))
            eg_buf_printf(buf, "\\%c", *c);
        else
            eg_buf_printf(buf, !escapes && *c == '\'' ? "''" : "%c", *c);
    }
    eg_buf_puts(buf, escapes ? "\"" : "'");
}

static void write(eg_buf *buf, const eg_datum *datum)
{
    switch (datum->kind) {
    case EG_DATUM_BOOL: eg_buf_puts(buf, datum->integer ? "true" : "false"); return;
    case EG_DATUM_INT: eg_buf_printf(buf, "%lld", (long long)datum->integer); return;
    case EG_DATUM_REAL: write_real(buf, datum->real); return;
    case EG_DATUM_TEXT: write_text(buf, datum->text); return;
    case EG_DATUM_HELPER: eg_buf_puts(buf, eg_helper_name(datum->helper)); return;
    case EG_DATUM_OP: eg_buf_puts(buf, datum->op->name); return;
    case EG_DATUM_ENTRY: eg_buf_puts(buf, datum->integer ? "buffer" : "parameter"); return;
    case EG_DATUM_BLOCK: eg_buf_puts(buf, datum->block->name); return;
    case EG_DATUM_LIST:
    case EG_DATUM_DICT: break;
    default: eg_buf_puts(buf, "none"); return;
    }
    bool dict = datum->kind == EG_DATUM_DICT;
    eg_buf_puts(buf, dict ? "{" : "[");
    for (size_t i = 0; i < datum->count; i++) {
        if (i) eg_buf_puts(buf, dict && i % 2 ? ": " : ", ");
        write(buf, &datum->items[i]);
    }
    eg_buf_puts(buf, dict ? "}" : "]");
}

const char *eg_datum_write(eg_arena *arena, const eg_datum *datum)
{
    eg_buf buf = {0};
    write(&buf, datum);
    return eg_buf_take(&buf, arena);
}

const char *eg_datum_describe(eg_arena *arena, const eg_datum *datum)
{
    enum { SHOWN = 60 };
    const char *text = "";
    bool written = datum->kind >= EG_DATUM_BOOL && datum->kind <= EG_DATUM_TEXT;
    if (written) text = eg_datum_write(arena, datum);
    switch (datum->kind) {
    case EG_DATUM_BOOL: return text;
    case EG_DATUM_INT:
    case EG_DATUM_REAL: return eg_arena_printf(arena, "the number %s", text);
    case EG_DATUM_TEXT:
        return eg_arena_printf(arena, "the text '%.*s'", SHOWN,
                               eg_printable(arena, datum->text, strlen(datum->text)));
    case EG_DATUM_LIST: return eg_arena_printf(arena, "a list of %zu", datum->count);
    case EG_DATUM_DICT: return eg_arena_printf(arena, "a dictionary of %zu", datum->count / 2);
    case EG_DATUM_HELPER: return eg_arena_printf(arena, "the function %s", eg_helper_name(datum->helper));
    case EG_DATUM_OP: return eg_arena_printf(arena, "the operator %s", datum->op->name);
    case EG_DATUM_ENTRY: return datum->integer ? "the word buffer" : "the word parameter";
    case EG_DATUM_BLOCK: return eg_arena_printf(arena, "the block %s", datum->block->name);
    case EG_DATUM_PART: return datum->part ? "a module" : "none";
    case EG_DATUM_VALUE: return "a value of the data flow";
    default: return "none";
    }
}

bool eg_datum_truth(const eg_datum *datum)
{
    switch (datum->kind) {
    case EG_DATUM_NONE: return false;
    case EG_DATUM_BOOL:
    case EG_DATUM_INT: return datum->integer != 0;
    case EG_DATUM_REAL: return datum->real != 0;
    case EG_DATUM_TEXT: return datum->text[0] != '\0';
    case EG_DATUM_LIST:
    case EG_DATUM_DICT: return datum->count != 0;
    case EG_DATUM_PART: return datum->part != NULL;
    default: return true;
    }
}

static bool is_none(const eg_datum *datum)
{
    return datum->kind == EG_DATUM_NONE || (datum->kind == EG_DATUM_PART && !datum->part);
}

static int compare_exactly(int64_t integer, double real)
{
    if (real >= 0x1p63) return -1;
    if (real < -0x1p63) return 1;
    int64_t whole = (int64_t)real;
    double rest = real - (double)whole; /* exact: both have the same exponent, or rest is real's fraction */
    if (integer != whole) return integer < whole ? -1 : 1;
    return (rest < 0) - (rest > 0);
}

int eg_datum_compare(const eg_datum *a, const eg_datum *b)
{
    assert(eg_datum_is_number(a) && eg_datum_is_number(b));
    if (eg_datum_is_integer(a) && eg_datum_is_integer(b))
        return (a->integer > b->integer) - (a->integer < b->integer);
    if (eg_datum_is_integer(a)) return compare_exactly(a->integer, b->real);
    if (eg_datum_is_integer(b)) return -compare_exactly(b->integer, a->real);
    return (a->real > b->real) - (a->real < b->real);
}

bool eg_datum_equal(const eg_datum *a, const eg_datum *b, int64_t *budget)
{
    if (--*budget < 0) return true;
    if (is_none(a) || is_none(b)) return is_none(a) && is_none(b);
    if (eg_datum_is_number(a) && eg_datum_is_number(b)) return eg_datum_compare(a, b) == 0;
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case EG_DATUM_TEXT: return strcmp(a->text, b->text) == 0;
    case EG_DATUM_ENTRY:
    case EG_DATUM_VALUE: return a->integer == b->integer;
    case EG_DATUM_HELPER: return a->helper == b->helper;
    case EG_DATUM_OP: return a->op == b->op;
    case EG_DATUM_BLOCK: return a->block == b->block;
    case EG_DATUM_PART: return a->part == b->part;
    default: break;
    }
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++)
        if (!eg_datum_equal(&a->items[i], &b->items[i], budget)) return false;
    return true;
}
