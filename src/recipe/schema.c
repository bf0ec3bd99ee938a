#include "recipe/schema.h"

#include <assert.h>
#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/map.h"
#include "base/str.h"
#include "recipe/pattern.h"

/* ---- scalars ---- */

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

/* ---- problems ---- */

static const char *describe(eg_arena *arena, const eg_doc *doc)
{
    if (eg_doc_is_null(doc)) return "nothing";
    if (doc->kind == EG_DOC_MAP) return "a mapping";
    if (doc->kind == EG_DOC_LIST) return "a list";
    return eg_arena_printf(arena, "'%.80s'", doc->text);
}

void eg_schema_expected(eg_schema *in, const eg_doc *doc, const char *key, const char *expected)
{
    eg_problem_add(in->problems, "wrong_type", doc->place, "'%s' expects %s, found %s", key, expected,
                   describe(in->arena, doc));
}

void eg_schema_unsupported(eg_schema *in, eg_place place, const char *key)
{
    eg_problem_add(in->problems, "unsupported", place, "'%s' is not supported by this version", key);
}

void eg_schema_problem(eg_schema *in, const char *code, eg_place place, const eg_error *err)
{
    eg_problem_add(in->problems, code, place, "%s", err->text);
}

const char *eg_schema_text(eg_schema *in, const eg_doc *doc, const char *key)
{
    if (doc->kind != EG_DOC_SCALAR || eg_doc_is_null(doc)) {
        eg_schema_expected(in, doc, key, "a text");
        return NULL;
    }
    return doc->text;
}

size_t eg_schema_items(const eg_doc *const *doc, const eg_doc *const **items)
{
    bool list = (*doc)->kind == EG_DOC_LIST;
    *items = list ? (*doc)->items : doc;
    return eg_doc_is_null(*doc) ? 0 : list ? (*doc)->count : 1;
}

/* ---- keys ---- */

/* Which kind the section's word names: its bit, or all bits when it names none. */
static unsigned kind_bits(const eg_section *section, const eg_doc *doc)
{
    if (!section->kind) return ~0u;
    const eg_doc *word = eg_doc_find(doc, section->kind);
    for (size_t i = 0; i < section->field_count; i++) {
        const eg_field *field = &section->fields[i];
        if (strcmp(field->key, section->kind) != 0) continue;
        const char *name = word && word->kind == EG_DOC_SCALAR ? word->text : field->standard;
        for (const eg_word *w = field->words; name && w->name; w++)
            if (strcmp(w->name, name) == 0 && w->value >= 0) return 1u << w->value;
    }
    return ~0u;
}

static const eg_field *find_field(const eg_section *section, unsigned kind, const char *key)
{
    for (size_t i = 0; i < section->field_count; i++) {
        const eg_field *field = &section->fields[i];
        if ((!field->only || field->only & kind) && strcmp(field->key, key) == 0) return field;
    }
    return NULL;
}

static const char *nearest_key(eg_arena *arena, const eg_section *section, unsigned kind, const char *key)
{
    const char **names = EG_NEW_ARRAY(arena, const char *, section->field_count);
    size_t count = 0;
    for (size_t i = 0; i < section->field_count; i++) {
        const eg_field *field = &section->fields[i];
        if (field->type == EG_TYPE_UNSUPPORTED || (field->only && !(field->only & kind))) continue;
        names[count++] = field->key;
    }
    return eg_nearest(key, names, count);
}

/* All dotted paths below a section. */
static void list_paths(eg_arena *arena, const eg_section *section, const char *prefix, const char **paths,
                       size_t *count, size_t limit)
{
    for (size_t i = 0; i < section->field_count && *count < limit; i++) {
        const eg_field *field = &section->fields[i];
        if (field->type == EG_TYPE_UNSUPPORTED) continue;
        const char *path = eg_arena_printf(arena, "%s%s", prefix, field->key);
        paths[(*count)++] = path;
        if (field->type == EG_TYPE_SECTION)
            list_paths(arena, field->section, eg_arena_printf(arena, "%s.", path), paths, count, limit);
    }
}

static const char *last_segment(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

const char *eg_schema_nearest_path(eg_arena *arena, const eg_section *root, const char *path)
{
    enum { LIMIT = 256 };
    const char *paths[LIMIT];
    size_t count = 0;
    list_paths(arena, root, "", paths, &count, LIMIT);
    const char *near = eg_nearest(path, paths, count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(last_segment(paths[i]), last_segment(path)) == 0) return paths[i];
    return near;
}

static const char *section_words(eg_arena *arena, const eg_section *section)
{
    return section->name[0] ? eg_arena_printf(arena, " in '%s'", section->name) : "";
}

/* A key without a row: said with the row that was meant, here or in another section. */
static void unknown_key(eg_schema *in, const eg_section *section, unsigned kind, const eg_doc *doc,
                        const eg_doc *key)
{
    const eg_doc *word = section->kind ? eg_doc_find(doc, section->kind) : NULL;
    const char *where = section_words(in->arena, section);
    if (find_field(section, ~0u, key->text) && word) {
        eg_problem_add(in->problems, "unknown_key", key->place, "'%s' has no meaning for %s '%s'", key->text,
                       section->kind, word->text);
        return;
    }
    const char *near = nearest_key(in->arena, section, kind, key->text);
    const char *path = NULL;
    if (!near) path = eg_schema_nearest_path(in->arena, in->root, key->text);
    if (path && strcmp(last_segment(path), key->text) != 0) path = NULL;
    eg_problem_add(in->problems, "unknown_key", key->place, "unknown key '%s'%s%s%s%s", key->text, where,
                   near || path ? "; did you mean '" : "",
                   near   ? near
                   : path ? path
                          : "",
                   near || path ? "'?" : "");
}

static void check_keys(eg_schema *in, const eg_section *section, const eg_doc *doc)
{
    unsigned kind = kind_bits(section, doc);
    for (size_t i = 0; i < doc->count; i++) {
        const eg_field *field = find_field(section, kind, doc->keys[i]->text);
        if (field && field->type == EG_TYPE_UNSUPPORTED)
            eg_schema_unsupported(in, doc->keys[i]->place, field->key);
        else if (!field && !section->open)
            unknown_key(in, section, kind, doc, doc->keys[i]);
    }
}

/* ---- values ---- */

static const char *range_text(eg_arena *arena, const eg_field *field)
{
    if (field->high >= 1e15) return eg_arena_printf(arena, "%.15g or more", field->low);
    return eg_arena_printf(arena, "a value between %.15g and %.15g", field->low, field->high);
}

static bool in_range(const eg_field *field, double value)
{
    return field->low == field->high || (value >= field->low && value <= field->high);
}

static bool check_range(eg_schema *in, const eg_field *field, const eg_doc *doc, double value)
{
    if (in_range(field, value)) return true;
    eg_problem_add(in->problems, "out_of_range", doc->place, "'%s' is %s, expected %s", field->key, doc->text,
                   range_text(in->arena, field));
    return false;
}

static void read_int(eg_schema *in, const eg_field *field, const eg_doc *doc, void *out)
{
    int64_t value;
    if (!eg_scalar_int(doc, &value))
        eg_schema_expected(in, doc, field->key, "a whole number");
    else if (check_range(in, field, doc, (double)value))
        memcpy(out, &value, sizeof value);
}

static void read_number(eg_schema *in, const eg_field *field, const eg_doc *doc, void *out)
{
    double value;
    if (!eg_scalar_number(doc, &value))
        eg_schema_expected(in, doc, field->key, "a number");
    else if (check_range(in, field, doc, value))
        memcpy(out, &value, sizeof value);
}

static void read_bool(eg_schema *in, const eg_field *field, const eg_doc *doc, void *out)
{
    bool value;
    if (!eg_scalar_bool(doc, &value))
        eg_schema_expected(in, doc, field->key, "true or false");
    else
        memcpy(out, &value, sizeof value);
}

static void read_string(eg_schema *in, const eg_field *field, const eg_doc *doc, void *out)
{
    const char *text = eg_schema_text(in, doc, field->key);
    if (text) memcpy(out, &text, sizeof text);
}

/* The folder of the file that the text stands in; the recipe's own for what comes from elsewhere. */
static const char *folder_of(eg_schema *in, const eg_doc *doc)
{
    bool in_file = doc->place.file && doc->place.line;
    return in_file ? eg_path_folder(in->arena, doc->place.file) : in->folder;
}

void eg_schema_path(eg_schema *in, const eg_field *field, const eg_doc *doc, const char **out)
{
    const char *text = eg_schema_text(in, doc, field->key);
    if (!text) return;
    if (!text[0]) {
        eg_schema_expected(in, doc, field->key, "a path");
    } else if (strstr(text, "://")) {
        eg_problem_add(in->problems, "unsupported", doc->place,
                       "fetching '%.200s' is not supported by this version; download it and give its path",
                       text);
    } else {
        *out = eg_path_join(in->arena, folder_of(in, doc), text);
    }
}

void eg_schema_distinct(eg_schema *in, const eg_doc *doc, const char *key)
{
    eg_map *seen = eg_map_new(in->arena);
    for (size_t i = 0; doc && doc->kind == EG_DOC_LIST && i < doc->count; i++)
        if (!eg_map_add(seen, doc->items[i]->text, 0))
            eg_problem_add(in->problems, "duplicate", doc->items[i]->place, "'%s' stands twice in '%s'",
                           doc->items[i]->text, key);
}

static const char *list_words(eg_arena *arena, const eg_word *words)
{
    eg_buf out = {0};
    for (; words->name; words++)
        if (words->value >= 0) eg_buf_printf(&out, "%s%s", out.length ? ", " : "", words->name);
    return eg_buf_take(&out, arena);
}

static void wrong_word(eg_schema *in, const eg_field *field, const eg_doc *doc)
{
    const char *names[64];
    size_t count = 0;
    for (const eg_word *w = field->words; w->name && count < 64; w++)
        if (w->value >= 0) names[count++] = w->name;
    const char *near = eg_nearest(doc->text, names, count);
    eg_problem_add(in->problems, "wrong_type", doc->place, "'%s' expects one of %s, found '%.80s'%s%s%s",
                   field->key, list_words(in->arena, field->words), doc->text, near ? "; did you mean '" : "",
                   near ? near : "", near ? "'?" : "");
}

void eg_schema_word(eg_schema *in, const eg_field *field, const eg_doc *doc, int *out)
{
    if (doc->kind != EG_DOC_SCALAR) {
        const char *expected = eg_arena_printf(in->arena, "one of %s", list_words(in->arena, field->words));
        eg_schema_expected(in, doc, field->key, expected);
        return;
    }
    for (const eg_word *w = field->words; w->name; w++) {
        if (strcmp(w->name, doc->text) != 0) continue;
        if (w->value == EG_WORD_UNSUPPORTED)
            eg_schema_unsupported(in, doc->place, eg_arena_printf(in->arena, "%s: %s", field->key, w->name));
        else
            *out = w->value;
        return;
    }
    wrong_word(in, field, doc);
}

void eg_schema_strings(eg_schema *in, const eg_field *field, const eg_doc *doc, void *base)
{
    if (doc->kind != EG_DOC_LIST) {
        eg_schema_expected(in, doc, field->key, "a list of texts");
        return;
    }
    const char **texts = EG_NEW_ARRAY(in->arena, const char *, doc->count);
    for (size_t i = 0; i < doc->count; i++) {
        texts[i] = eg_schema_text(in, doc->items[i], field->key);
        if (!texts[i]) texts[i] = "";
    }
    memcpy((char *)base + field->offset, &texts, sizeof texts);
    memcpy((char *)base + field->count, &doc->count, sizeof doc->count);
}

static void read_ints(eg_schema *in, const eg_field *field, const eg_doc *doc, void *base)
{
    if (doc->kind != EG_DOC_LIST) {
        eg_schema_expected(in, doc, field->key, "a list of whole numbers");
        return;
    }
    int64_t *values = EG_NEW_ARRAY(in->arena, int64_t, doc->count);
    for (size_t i = 0; i < doc->count; i++) read_int(in, field, doc->items[i], &values[i]);
    memcpy((char *)base + field->offset, &values, sizeof values);
    memcpy((char *)base + field->count, &doc->count, sizeof doc->count);
}

static void read_pair(eg_schema *in, const eg_field *field, const eg_doc *doc, void *out)
{
    double pair[2];
    if (doc->kind != EG_DOC_LIST || doc->count != 2 || !eg_scalar_number(doc->items[0], &pair[0]) ||
        !eg_scalar_number(doc->items[1], &pair[1]))
        eg_schema_expected(in, doc, field->key, "two numbers such as [0.5, 1.0]");
    else if (check_range(in, field, doc->items[0], pair[0]) && check_range(in, field, doc->items[1], pair[1]))
        memcpy(out, pair, sizeof pair);
}

static void read_section(eg_schema *in, const eg_field *field, const eg_doc *doc, void *out)
{
    eg_schema_read(in, field->section, doc, out);
}

static void read_value(eg_schema *in, const eg_field *field, const eg_doc *doc, void *base)
{
    int nowhere; /* a word that is checked and not stored */
    void *out = field->offset == EG_NOWHERE ? &nowhere : (void *)((char *)base + field->offset);
    switch (field->type) {
    case EG_TYPE_INT: read_int(in, field, doc, out); break;
    case EG_TYPE_NUMBER: read_number(in, field, doc, out); break;
    case EG_TYPE_BOOL: read_bool(in, field, doc, out); break;
    case EG_TYPE_STRING: read_string(in, field, doc, out); break;
    case EG_TYPE_PATH: eg_schema_path(in, field, doc, out); break;
    case EG_TYPE_WORD: eg_schema_word(in, field, doc, out); break;
    case EG_TYPE_STRINGS: eg_schema_strings(in, field, doc, base); break;
    case EG_TYPE_INTS: read_ints(in, field, doc, base); break;
    case EG_TYPE_PAIR: read_pair(in, field, doc, out); break;
    case EG_TYPE_PATTERN: eg_pattern_read(in, doc, field->key, true, out); break;
    case EG_TYPE_PATTERNS: eg_pattern_list_read(in, doc, field->key, out); break;
    case EG_TYPE_SECTION: read_section(in, field, doc, out); break;
    case EG_TYPE_OTHER: field->read(in, doc, base); break;
    case EG_TYPE_UNSUPPORTED: break; /* check_keys has said so */
    }
}

/* The row's default as a document: a scalar, or a flow list. */
static const eg_doc *standard_doc(eg_arena *arena, const eg_field *field)
{
    eg_error err = {0};
    const eg_doc *doc = eg_doc_parse(arena, "default", field->standard, strlen(field->standard), &err);
    assert(doc);
    return doc;
}

/* A scalar default outside the range means "not given": it is stored, never checked or shown. */
static bool is_shown(const eg_field *field, const eg_doc *standard)
{
    double value;
    if (field->type != EG_TYPE_INT && field->type != EG_TYPE_NUMBER) return true;
    return eg_scalar_number(standard, &value) && in_range(field, value);
}

static void read_standard(eg_schema *in, const eg_field *field, void *base)
{
    eg_field unchecked = *field;
    unchecked.low = unchecked.high = 0;
    if (field->type == EG_TYPE_SECTION) {
        eg_schema_read(in, field->section, NULL, (char *)base + field->offset);
    } else if (field->standard && strcmp(field->standard, ".nan") == 0) {
        const double not_given = NAN;
        memcpy((char *)base + field->offset, &not_given, sizeof not_given);
    } else if (field->standard) {
        read_value(in, &unchecked, standard_doc(in->arena, field), base);
    }
}

static void read_fields(eg_schema *in, const eg_section *section, const eg_doc *doc, eg_place place,
                        void *out)
{
    unsigned kind = kind_bits(section, doc);
    for (size_t i = 0; i < section->field_count; i++) {
        const eg_field *field = &section->fields[i];
        if (field->only && !(field->only & kind)) continue;
        const eg_doc *value = doc ? eg_doc_find(doc, field->key) : NULL;
        if (field->type == EG_TYPE_UNSUPPORTED) continue;
        if (field->type != EG_TYPE_SECTION || eg_doc_is_null(value)) read_standard(in, field, out);
        if (value && !eg_doc_is_null(value))
            read_value(in, field, value, out);
        else if (field->required && doc)
            eg_problem_add(in->problems, "missing_key", value ? value->place : place, "'%s' is missing%s: %s",
                           field->key, section_words(in->arena, section), field->doc);
    }
}

void eg_schema_read(eg_schema *in, const eg_section *section, const eg_doc *doc, void *out)
{
    if (eg_doc_is_null(doc)) doc = NULL;
    doc = doc ? eg_schema_expand(in->arena, section, doc) : NULL;
    if (doc && doc->kind != EG_DOC_MAP) {
        eg_schema_expected(in, doc, section->name[0] ? last_segment(section->name) : "recipe", "a mapping");
        doc = NULL;
    }
    if (doc) check_keys(in, section, doc);
    read_fields(in, section, doc, doc ? doc->place : (eg_place){0}, out);
    if (doc && section->given != EG_NOWHERE) *(bool *)((char *)out + section->given) = true;
    if (doc && section->place != EG_NOWHERE)
        memcpy((char *)out + section->place, &doc->place, sizeof doc->place);
    if (section->check) section->check(in, doc, out);
}

const eg_doc *eg_schema_wrap(eg_arena *arena, const char *key, const eg_doc *value)
{
    eg_doc *name = EG_NEW(arena, eg_doc), *map = EG_NEW(arena, eg_doc);
    const eg_doc *key_doc = name;
    *name = (eg_doc){.place = value->place, .text = key, .plain = true};
    *map = (eg_doc){.kind = EG_DOC_MAP, .place = value->place, .text = "", .count = 1};
    map->keys = eg_arena_copy(arena, &key_doc, sizeof(const eg_doc *));
    map->items = eg_arena_copy(arena, &value, sizeof(const eg_doc *));
    return map;
}

const eg_doc *eg_schema_expand(eg_arena *arena, const eg_section *section, const eg_doc *doc)
{
    if (!section->bare || doc->kind == EG_DOC_MAP || eg_doc_is_null(doc)) return doc;
    return eg_schema_wrap(arena, section->bare, doc);
}

/* ---- the resolved recipe ---- */

static const eg_doc *completed_value(eg_arena *arena, const eg_field *field, const eg_doc *value)
{
    bool absent = eg_doc_is_null(value);
    if (field->type == EG_TYPE_SECTION) {
        if (absent && field->optional) return NULL;
        const eg_doc *full = eg_schema_complete(arena, field->section, absent ? NULL : value);
        return full->count || !absent ? full : NULL;
    }
    if (!absent) return value;
    if (!field->standard || field->type == EG_TYPE_UNSUPPORTED || strcmp(field->standard, ".nan") == 0)
        return NULL;
    const eg_doc *standard = standard_doc(arena, field);
    return is_shown(field, standard) ? standard : NULL;
}

const eg_doc *eg_schema_complete(eg_arena *arena, const eg_section *section, const eg_doc *doc)
{
    size_t room = section->field_count + (doc ? doc->count + 1 : 0);
    eg_doc *full = EG_NEW(arena, eg_doc);
    *full = (eg_doc){.kind = EG_DOC_MAP, .text = ""};
    full->keys = EG_NEW_ARRAY(arena, const eg_doc *, room);
    full->items = EG_NEW_ARRAY(arena, const eg_doc *, room);
    if (doc) doc = eg_schema_expand(arena, section, doc);
    unsigned kind = kind_bits(section, doc);
    for (size_t i = 0; i < section->field_count; i++) {
        const eg_field *field = &section->fields[i];
        if (field->only && !(field->only & kind)) continue;
        const eg_doc *value = completed_value(arena, field, eg_doc_find(doc, field->key));
        if (!value) continue;
        eg_doc *key = EG_NEW(arena, eg_doc);
        *key = (eg_doc){.text = field->key, .plain = true};
        full->keys[full->count] = key;
        full->items[full->count++] = value;
    }
    for (size_t i = 0; doc && i < doc->count; i++) {
        if (find_field(section, kind, doc->keys[i]->text)) continue;
        full->keys[full->count] = doc->keys[i];
        full->items[full->count++] = doc->items[i];
    }
    return full;
}
