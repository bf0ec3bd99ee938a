#include "base/str.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static void reserve(eg_buf *buf, size_t more)
{
    size_t need = buf->length + more + 1;
    if (need <= buf->capacity) return;
    buf->capacity = need < 64 ? 64 : need + need / 2;
    buf->data = eg_realloc(buf->data, buf->capacity);
}

void eg_buf_add(eg_buf *buf, const void *bytes, size_t length)
{
    reserve(buf, length);
    if (length) memcpy(buf->data + buf->length, bytes, length);
    buf->length += length;
    buf->data[buf->length] = '\0';
}

void eg_buf_puts(eg_buf *buf, const char *text)
{
    eg_buf_add(buf, text, strlen(text));
}

void eg_buf_printf(eg_buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length > 0) {
        reserve(buf, (size_t)length);
        vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
        buf->length += (size_t)length;
    }
    va_end(again);
}

void eg_buf_clear(eg_buf *buf)
{
    free(buf->data);
    *buf = (eg_buf){0};
}

char *eg_buf_take(eg_buf *buf, eg_arena *arena)
{
    char *text = eg_arena_substring(arena, buf->data, buf->length);
    eg_buf_clear(buf);
    return text;
}

bool eg_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool eg_ends_with(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);
    return n >= m && memcmp(text + n - m, suffix, m) == 0;
}

enum { NEAREST_MAX = 64 };

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Optimal string alignment distance of two short names. */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t d[NEAREST_MAX + 1][NEAREST_MAX + 1];
    for (size_t i = 0; i <= n; i++) d[i][0] = i;
    for (size_t j = 0; j <= m; j++) d[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        for (size_t j = 1; j <= m; j++) {
            size_t change = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, change);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && d[i - 2][j - 2] + 1 < d[i][j]) d[i][j] = d[i - 2][j - 2] + 1;
        }
    }
    return d[n][m];
}

const char *eg_nearest(const char *name, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t best_distance = 0, n = strlen(name);
    if (n > NEAREST_MAX) return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t m = strlen(candidates[i]);
        if (m > NEAREST_MAX) continue;
        size_t far = distance(name, n, candidates[i], m);
        size_t allowed = ((n > m ? n : m) + 2) / 3;
        if (far <= allowed && (!best || far < best_distance)) {
            best = candidates[i];
            best_distance = far;
        }
    }
    return best;
}

/* Length of the UTF-8 sequence at text, or 0 when it is malformed. */
static size_t utf8_sequence(const unsigned char *text, size_t left)
{
    unsigned char c = text[0];
    if (c < 0x80) return 1;
    size_t length = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (c < 0xC2 || c > 0xF4 || length > left) return 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xC0) != 0x80) return 0;
    unsigned char second = text[1];
    if ((c == 0xE0 && second < 0xA0) || (c == 0xED && second > 0x9F) || (c == 0xF0 && second < 0x90) ||
        (c == 0xF4 && second > 0x8F))
        return 0;
    return length;
}

bool eg_is_utf8(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t i = 0; i < length;) {
        size_t step = utf8_sequence(bytes + i, length - i);
        if (step == 0) return false;
        i += step;
    }
    return true;
}

const char *eg_printable(eg_arena *arena, const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    eg_buf buf = {0};
    for (size_t i = 0; i < length;) {
        size_t step = utf8_sequence(bytes + i, length - i);
        if (step == 0 || bytes[i] < 0x20 || bytes[i] == 0x7F) {
            eg_buf_printf(&buf, "\\x%02x", bytes[i]);
            step = 1;
        } else {
            eg_buf_add(&buf, text + i, step);
        }
        i += step;
    }
    return eg_buf_take(&buf, arena);
}

static size_t digits(const char *text)
{
    size_t n = 0;
    while (text[n] >= '0' && text[n] <= '9') n++;
    return n;
}

int eg_natural_compare(const char *a, const char *b)
{
    const char *x = a, *y = b;
    while (*x && *y) {
        size_t n = digits(x), m = digits(y);
        if (n && m) {
            while (n > 1 && *x == '0') x++, n--;
            while (m > 1 && *y == '0') y++, m--;
            if (n != m) return n < m ? -1 : 1;
            int order = memcmp(x, y, n);
            if (order) return order;
            x += n;
            y += m;
        } else if (*x != *y) {
            return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
        } else {
            x++;
            y++;
        }
    }
    if (*x || *y) return *x ? 1 : -1;
    return strcmp(a, b);
}

const char *eg_real_text(eg_arena *arena, double value)
{
    char text[40];
    if (isnan(value)) return "nan";
    if (isinf(value)) return value < 0 ? "-inf" : "inf";
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    return eg_arena_string(arena, text);
}
