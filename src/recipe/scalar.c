#include "recipe/scalar.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Digits with single '_' between them go to out; returns how many characters they take. */
static size_t take_digits(const char *text, eg_buf *out)
{
    size_t n = 0;
    while (isdigit((unsigned char)text[n]) || (n && text[n] == '_' && isdigit((unsigned char)text[n + 1]) &&
                                               isdigit((unsigned char)text[n - 1]))) {
        if (text[n] != '_') eg_buf_add(out, text + n, 1);
        n++;
    }
    return n;
}

/* [+-] digits [. digits] [e [+-] digits], without the '_'; false for anything else. */
static bool number_text(const char *text, eg_buf *out)
{
    eg_buf_puts(out, "");
    if (*text == '+' || *text == '-') eg_buf_add(out, text++, 1);
    size_t whole = take_digits(text, out), fraction = 0;
    text += whole;
    if (*text == '.') {
        eg_buf_add(out, text++, 1);
        fraction = take_digits(text, out);
        text += fraction;
    }
    if (whole + fraction == 0) return false;
    if (*text == 'e' || *text == 'E') {
        eg_buf_add(out, text++, 1);
        if (*text == '+' || *text == '-') eg_buf_add(out, text++, 1);
        size_t exponent = take_digits(text, out);
        if (exponent == 0) return false;
        text += exponent;
    }
    return *text == '\0';
}

/* strtod in the C locale, whatever the process has set. */
static double parse_double(const char *text)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double value = c ? strtod_l(text, NULL, c) : strtod(text, NULL);
    if (c) freelocale(c);
    return value;
}

bool eg_scalar_number(const eg_doc *doc, double *out)
{
    eg_buf text = {0};
    bool ok = doc->kind == EG_DOC_SCALAR && number_text(doc->text, &text);
    if (ok) *out = parse_double(text.data);
    eg_buf_clear(&text);
    return ok && isfinite(*out);
}

bool eg_scalar_int(const eg_doc *doc, int64_t *out)
{
    const double exact = 9007199254740992.0; /* 2^53: larger doubles skip whole numbers */
    double value;
    if (!eg_scalar_number(doc, &value) || value != floor(value)) return false;
    if (fabs(value) < exact) {
        *out = (int64_t)value;
        return true;
    }
    eg_buf text = {0};
    char *end = NULL;
    number_text(doc->text, &text);
    long long whole = strtoll(text.data, &end, 10);
    bool ok = *end == '\0' && whole != INT64_MAX && whole != INT64_MIN;
    *out = whole;
    eg_buf_clear(&text);
    return ok;
}

bool eg_scalar_bool(const eg_doc *doc, bool *out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    if (doc->kind != EG_DOC_SCALAR || !doc->plain) return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(doc->text, words[i]) != 0) continue;
        *out = i % 2;
        return true;
    }
    return false;
}
