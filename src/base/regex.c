#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/regex.h"

#include <ctype.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

/* Enough for any sane pattern on a name of a few hundred bytes; a catastrophic one ends within milliseconds.
 */
enum { MATCH_LIMIT = 1000000, DEPTH_LIMIT = 2000 };

struct eg_regex {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
    const char *pattern;
    eg_place place;
    const char *subject; /* of the last match */
};

static void release(void *object)
{
    eg_regex *regex = object;
    pcre2_match_context_free(regex->limits);
    pcre2_match_data_free(regex->match);
    pcre2_code_free(regex->code);
}

/* ENGRAFT_CPU=portable: matching is slower, never different (and valgrind, which misreads the JIT's vector
 * loads past the end of a subject, stays quiet). */
static bool code_for_this_processor_is_off(void)
{
    const char *cpu = getenv("ENGRAFT_CPU");
    return cpu && strcmp(cpu, "portable") == 0;
}

eg_regex *eg_regex_compile(eg_arena *arena, const char *pattern, bool full, eg_place place, eg_error *err)
{
    uint32_t options = PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_NEVER_BACKSLASH_C;
    if (!eg_is_utf8(pattern, strlen(pattern))) {
        eg_fail_at(err, EG_RECIPE, place, "the pattern is not valid UTF-8");
        return NULL;
    }
    if (full) options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    int code = 0;
    PCRE2_SIZE offset = 0;
    eg_regex *regex = EG_NEW(arena, eg_regex);
    regex->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &code, &offset, NULL);
    if (!regex->code) {
        char why[256];
        pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
        eg_fail_at(err, EG_RECIPE, place, "pattern '%s' is not a regular expression: %s at character %zu",
                   pattern, why, (size_t)offset + 1);
        return NULL;
    }
    if (!code_for_this_processor_is_off()) pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);
    regex->match = pcre2_match_data_create_from_pattern(regex->code, NULL);
    regex->limits = pcre2_match_context_create(NULL);
    if (!regex->match || !regex->limits) {
        release(regex);
        eg_fail(err, EG_SYSTEM, "no memory for a pattern");
        return NULL;
    }
    pcre2_set_match_limit(regex->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(regex->limits, DEPTH_LIMIT);
    regex->pattern = eg_arena_string(arena, pattern);
    regex->place = place;
    eg_arena_defer(arena, release, regex);
    return regex;
}

unsigned eg_regex_groups(const eg_regex *regex)
{
    uint32_t count = 0;
    pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &count);
    return count;
}

unsigned eg_regex_group(const eg_regex *regex, const char *name, size_t length)
{
    char text[64];
    if (length == 0 || length >= sizeof text) return 0;
    memcpy(text, name, length);
    text[length] = '\0';
    if (isdigit((unsigned char)text[0])) {
        char *end;
        unsigned long group = strtoul(text, &end, 10);
        return *end || group > eg_regex_groups(regex) ? 0 : (unsigned)group;
    }
    int group = pcre2_substring_number_from_name(regex->code, (PCRE2_SPTR)text);
    return group > 0 ? (unsigned)group : 0;
}

static eg_matched match_at(const eg_regex *regex, const char *subject, size_t length, size_t start,
                           uint32_t options, eg_error *err)
{
    int rc =
        pcre2_match(regex->code, (PCRE2_SPTR)subject, length, start, options, regex->match, regex->limits);
    ((eg_regex *)regex)->subject = subject; /* scratch of the last match, not part of the pattern's value */
    if (rc >= 0) return EG_MATCH;
    if (rc == PCRE2_ERROR_NOMATCH) return EG_NO_MATCH;
    if (rc <= PCRE2_ERROR_UTF8_ERR1 && rc >= PCRE2_ERROR_UTF8_ERR21) return EG_NO_MATCH;
    eg_fail_at(err, EG_RECIPE, regex->place,
               "pattern '%s' needs too many steps on the name '%.*s'; make it more specific", regex->pattern,
               (int)(length > 200 ? 200 : length), subject);
    return EG_MATCH_FAILED;
}

eg_matched eg_regex_match(const eg_regex *regex, const char *subject, size_t length, eg_error *err)
{
    return match_at(regex, subject, length, 0, 0, err);
}

void eg_regex_capture(const eg_regex *regex, unsigned group, const char **text, size_t *length)
{
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(regex->match);
    bool set = group < pcre2_get_ovector_count(regex->match) && ends[2 * group] != PCRE2_UNSET;
    *text = set ? regex->subject + ends[2 * group] : "";
    *length = set ? ends[2 * group + 1] - ends[2 * group] : 0;
}

/* One piece of a template: a literal run, or a group. Returns the bytes it takes, 0 when it is malformed. */
typedef struct piece {
    const char *text; /* literal, or the group's name */
    size_t length;
    bool is_group;
} piece;

static size_t next_piece(const char *text, piece *out)
{
    if (text[0] != '\\') {
        *out = (piece){text, strcspn(text, "\\"), false};
        return out->length;
    }
    if (text[1] == '\\') {
        *out = (piece){text + 1, 1, false};
        return 2;
    }
    if (isdigit((unsigned char)text[1])) {
        size_t n = isdigit((unsigned char)text[2]) ? 2 : 1;
        *out = (piece){text + 1, n, true};
        return n + 1;
    }
    const char *end = text[1] == 'g' && text[2] == '<' ? strchr(text, '>') : NULL;
    if (!end) return 0;
    *out = (piece){text + 3, (size_t)(end - text - 3), true};
    return (size_t)(end - text) + 1;
}

static bool is_whole_match(const piece *p)
{
    return p->length == 1 && p->text[0] == '0';
}

bool eg_template_check(const eg_regex *regex, const char *text, eg_place place, eg_error *err)
{
    const char *dollar = strchr(text, '$');
    if (dollar)
        return eg_fail_at(err, EG_RECIPE, place, "'%s' refers to a group with '$'; write \\1 or \\g<name>",
                          text);
    piece p;
    for (const char *at = text; *at;) {
        size_t used = next_piece(at, &p);
        if (used == 0)
            return eg_fail_at(err, EG_RECIPE, place,
                              "'%s' holds an unknown escape; write \\1, \\g<name> or \\\\", text);
        if (p.is_group && !is_whole_match(&p) && eg_regex_group(regex, p.text, p.length) == 0)
            return eg_fail_at(
                err, EG_RECIPE, place,
                "'%s' refers to group '%.*s', but pattern '%s' has %u group%s (write \\g<1>0 for group "
                "1 followed by a digit)",
                text, (int)p.length, p.text, regex->pattern, eg_regex_groups(regex),
                eg_regex_groups(regex) == 1 ? "" : "s");
        at += used;
    }
    return true;
}

void eg_template_expand(const eg_regex *regex, const char *text, eg_buf *out)
{
    piece p;
    for (const char *at = text; *at;) {
        size_t used = next_piece(at, &p);
        if (used == 0) return;
        if (p.is_group) {
            unsigned group = is_whole_match(&p) ? 0 : eg_regex_group(regex, p.text, p.length);
            eg_regex_capture(regex, group, &p.text, &p.length);
        }
        eg_buf_add(out, p.text, p.length);
        at += used;
    }
}

const char *eg_template_gap(eg_arena *arena, const eg_regex *regex, const char *text)
{
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(regex->match);
    piece p;
    for (const char *at = text; *at;) {
        size_t used = next_piece(at, &p);
        unsigned group =
            used && p.is_group && !is_whole_match(&p) ? eg_regex_group(regex, p.text, p.length) : 0;
        if (used == 0) break;
        if (group && (group >= pcre2_get_ovector_count(regex->match) || ends[2 * group] == PCRE2_UNSET))
            return eg_arena_substring(arena, p.text, p.length);
        at += used;
    }
    return NULL;
}

bool eg_regex_replace(const eg_regex *regex, const char *subject, const char *text, eg_buf *out,
                      bool *changed, eg_error *err)
{
    size_t length = strlen(subject), at = 0, copied = 0;
    *changed = false;
    eg_buf_add(out, "", 0);
    while (at <= length) {
        eg_matched m = match_at(regex, subject, length, at, 0, err);
        if (m == EG_MATCH_FAILED) return false;
        if (m == EG_NO_MATCH) break;
        const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(regex->match);
        size_t start = ends[0], end = ends[1];
        eg_buf_add(out, subject + copied, start - copied);
        eg_template_expand(regex, text, out);
        copied = end;
        at = end > start ? end : end + 1;
        *changed = true;
    }
    if (copied < length) eg_buf_add(out, subject + copied, length - copied);
    return true;
}

void eg_regex_escape(const char *text, eg_buf *out)
{
    for (; *text; text++) {
        if (strchr("\\^$.[]|()?*+{}", *text)) eg_buf_add(out, "\\", 1);
        eg_buf_add(out, text, 1);
    }
}
