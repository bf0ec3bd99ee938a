#include "recipe/pattern.h"

#include <string.h>

#include "base/regex.h"
#include "base/str.h"

bool eg_pattern_is_tagged(const eg_doc *doc)
{
    return doc->kind == EG_DOC_MAP && doc->count == 1 &&
           (strcmp(doc->keys[0]->text, "glob") == 0 || strcmp(doc->keys[0]->text, "exact") == 0);
}

static bool is_glob(const eg_doc *doc)
{
    return eg_pattern_is_tagged(doc) && strcmp(doc->keys[0]->text, "glob") == 0;
}

/* The length of the wildcard at text (`**`, `*`, `?` or a class), 0 for a literal. */
static size_t wildcard(const char *text)
{
    if (text[0] == '*') return text[1] == '*' ? 2 : 1;
    if (text[0] == '?') return 1;
    if (text[0] != '[') return 0;
    const char *end = strchr(text + 1 + (text[1] == '!' || text[1] == '^'), ']');
    return end ? (size_t)(end - text) + 1 : 0;
}

static void add_class(eg_buf *out, const char *text, size_t length)
{
    bool negated = text[1] == '!' || text[1] == '^';
    eg_buf_puts(out, negated ? "[^" : "[");
    for (size_t i = negated ? 2 : 1; i + 1 < length; i++) {
        if (strchr("\\[^", text[i])) eg_buf_puts(out, "\\");
        eg_buf_add(out, text + i, 1);
    }
    eg_buf_puts(out, "]");
}

/* `*` is a run without dots, `**` any run, `?` one character, `[0-9]` a class; each wildcard captures. */
static const char *glob_to_regex(eg_arena *arena, const char *text)
{
    eg_buf out = {0};
    while (*text) {
        size_t length = wildcard(text);
        char literal[2] = {text[0], '\0'};
        if (length == 0) {
            eg_regex_escape(literal, &out);
        } else {
            eg_buf_puts(&out, "(");
            if (text[0] == '[')
                add_class(&out, text, length);
            else
                eg_buf_puts(&out, text[0] == '?' ? "." : length == 2 ? ".*" : "[^.]*");
            eg_buf_puts(&out, ")");
        }
        text += length ? length : 1;
    }
    return eg_buf_take(&out, arena);
}

static const char *exact_to_regex(eg_arena *arena, const char *text)
{
    eg_buf out = {0};
    eg_regex_escape(text, &out);
    return eg_buf_take(&out, arena);
}

/* A control character comes from a backslash that double quotes have eaten: "\b" is a backspace. */
static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7F) return true;
    return false;
}

static void lint_anchors(eg_schema *in, const eg_doc *doc)
{
    size_t length = strlen(doc->text);
    bool escaped = length > 1 && doc->text[length - 2] == '\\';
    if (doc->text[0] == '^' || (length && doc->text[length - 1] == '$' && !escaped))
        eg_problem_warn(in->problems, "redundant_anchor", doc->place,
                        "'^' and '$' are not needed in '%s': patterns match whole names", doc->text);
}

bool eg_pattern_read(eg_schema *in, const eg_doc *doc, const char *key, bool full, eg_pattern *out)
{
    eg_error err = {0};
    bool tagged = eg_pattern_is_tagged(doc);
    const eg_doc *text_doc = tagged ? doc->items[0] : doc;
    if (text_doc->kind != EG_DOC_SCALAR || !text_doc->text[0]) {
        eg_schema_expected(in, doc, key, "a pattern: a text, {glob: text} or {exact: text}");
        return false;
    }
    if (has_control(text_doc->text)) {
        eg_problem_add(
            in->problems, "bad_pattern", text_doc->place,
            "the pattern holds a control character; a regular expression belongs in single quotes");
        return false;
    }
    const char *pattern = text_doc->text;
    if (tagged)
        pattern = is_glob(doc) ? glob_to_regex(in->arena, pattern) : exact_to_regex(in->arena, pattern);
    if (!tagged && full) lint_anchors(in, doc);
    out->text =
        tagged ? eg_arena_printf(in->arena, "{%s: %s}", doc->keys[0]->text, text_doc->text) : doc->text;
    out->place = text_doc->place;
    out->regex = eg_regex_compile(in->arena, pattern, full, text_doc->place, &err);
    if (!out->regex) eg_schema_problem(in, "bad_pattern", text_doc->place, &err);
    return out->regex != NULL;
}

void eg_pattern_list_read(eg_schema *in, const eg_doc *doc, const char *key, eg_pattern_list *out)
{
    const eg_doc *const *items;
    size_t count = eg_schema_items(&doc, &items);
    eg_pattern *patterns = EG_NEW_ARRAY(in->arena, eg_pattern, count);
    *out = (eg_pattern_list){patterns, 0};
    for (size_t i = 0; i < count; i++) {
        const eg_doc *match = items[i]->count == 1 ? eg_doc_find(items[i], "match") : NULL;
        if (eg_pattern_read(in, match ? match : items[i], key, true, &patterns[out->count])) out->count++;
    }
}

static size_t count_wildcards(const char *text)
{
    size_t count = 0;
    while (*text) {
        size_t length = wildcard(text);
        count += length > 0;
        text += length ? length : 1;
    }
    return count;
}

/* The glob's replacement as a template: wildcard n becomes \g<n>. */
static const char *glob_to_template(eg_arena *arena, const char *text)
{
    eg_buf out = {0};
    unsigned group = 0;
    eg_buf_puts(&out, "");
    while (*text) {
        size_t length = wildcard(text);
        if (length)
            eg_buf_printf(&out, "\\g<%u>", ++group);
        else
            eg_buf_add(&out, *text == '\\' ? "\\\\" : text, *text == '\\' ? 2 : 1);
        text += length ? length : 1;
    }
    return eg_buf_take(&out, arena);
}

/* The wildcards of {glob: …}, as the pattern's text has it; NULL for another kind. */
static const char *glob_of(eg_arena *arena, const eg_pattern *pattern)
{
    const char *start = "{glob: ";
    size_t length = strlen(pattern->text);
    if (strncmp(pattern->text, start, strlen(start)) != 0) return NULL;
    return eg_arena_substring(arena, pattern->text + strlen(start), length - strlen(start) - 1);
}

const char *eg_pattern_template(eg_schema *in, const eg_pattern *pattern, const eg_doc *to, const char *key)
{
    const char *glob = glob_of(in->arena, pattern);
    eg_error err = {0};
    if (to->kind != EG_DOC_SCALAR) {
        eg_schema_expected(in, to, key, "a text");
        return NULL;
    }
    if (glob) {
        size_t have = count_wildcards(glob), want = count_wildcards(to->text);
        if (have == want) return glob_to_template(in->arena, to->text);
        eg_problem_add(in->problems, "bad_template", to->place,
                       "'%s' has %zu wildcard%s, but glob '%s' has %zu; both must agree", to->text, want,
                       want == 1 ? "" : "s", glob, have);
        return NULL;
    }
    if (eg_template_check(pattern->regex, to->text, to->place, &err)) return to->text;
    eg_schema_problem(in, "bad_template", to->place, &err);
    return NULL;
}
