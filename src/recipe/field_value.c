#include "recipe/field_value.h"

#include <assert.h>
#include <string.h>

#include "base/file.h"
#include "base/map.h"
#include "base/str.h"
#include "recipe/pattern.h"

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

void eg_value_read(eg_schema *in, const eg_field *field, const eg_doc *doc, void *base)
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
const eg_doc *eg_value_standard(eg_arena *arena, const eg_field *field)
{
    eg_error err = {0};
    const eg_doc *doc = eg_doc_parse(arena, "default", field->standard, strlen(field->standard), &err);
    assert(doc);
    return doc;
}

/* A scalar default outside the range means "not given": it is stored, never checked or shown. */
bool eg_value_is_shown(const eg_field *field, const eg_doc *standard)
{
    double value;
    if (field->type != EG_TYPE_INT && field->type != EG_TYPE_NUMBER) return true;
    return eg_scalar_number(standard, &value) && in_range(field, value);
}
