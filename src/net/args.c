#include "net/args.h"

#include <string.h>

#include "base/str.h"

typedef struct binder {
    eg_eval *eval;
    const eg_body_reader *reader;
    const eg_args_source *source;
    eg_scope *scope;
} binder;

static bool read_value(binder *b, const eg_doc *doc, const eg_lines *lines, eg_datum *out);

/* A plain scalar: an expression, or a word. */
static bool read_scalar(binder *b, const eg_doc *doc, const eg_lines *lines, eg_datum *out)
{
    eg_arena *arena = b->eval->arena;
    *out = eg_doc_is_null(doc) ? (eg_datum){.kind = EG_DATUM_NONE} : eg_datum_text(doc->text);
    if (!doc->plain || eg_doc_is_null(doc)) return true;
    const eg_expr *expr = eg_expr_parse_all(arena, eg_origin_new(arena, doc, lines), NULL);
    if (!expr || (expr->kind == EG_EXPR_NAME && !eg_scope_find(b->scope, expr->text))) return true;
    return eg_eval_run(b->eval, b->scope, expr, out);
}

static bool read_items(binder *b, const eg_doc *doc, const eg_lines *lines, eg_datum *out)
{
    bool map = doc->kind == EG_DOC_MAP;
    size_t count = map ? 2 * doc->count : doc->count;
    eg_datum *items = EG_NEW_ARRAY(b->eval->arena, eg_datum, count);
    for (size_t i = 0; i < doc->count; i++) {
        if (map && !read_value(b, doc->keys[i], lines, &items[2 * i])) return false;
        if (!read_value(b, doc->items[i], lines, &items[map ? 2 * i + 1 : i])) return false;
    }
    *out = (eg_datum){.kind = map ? EG_DATUM_DICT : EG_DATUM_LIST, .items = items, .count = count};
    return true;
}

static bool read_value(binder *b, const eg_doc *doc, const eg_lines *lines, eg_datum *out)
{
    return doc->kind == EG_DOC_SCALAR ? read_scalar(b, doc, lines, out) : read_items(b, doc, lines, out);
}

static bool is_plain_number(const eg_datum *datum)
{
    return datum->kind == EG_DATUM_INT || datum->kind == EG_DATUM_REAL;
}

/* A number for a number, a list for a list; a default of none, a word or a block says nothing. */
static bool check_kind(binder *b, const char *name, const eg_doc *doc, const eg_datum *standard,
                       const eg_datum *value)
{
    const char *expected = NULL;
    if (is_plain_number(standard) && !is_plain_number(value)) expected = "a number";
    if (standard->kind == EG_DATUM_BOOL && value->kind != EG_DATUM_BOOL) expected = "true or false";
    if (standard->kind == EG_DATUM_LIST && value->kind != EG_DATUM_LIST) expected = "a list";
    if (standard->kind == EG_DATUM_DICT && value->kind != EG_DATUM_DICT) expected = "a mapping";
    if (!expected || value->kind == EG_DATUM_NONE) expected = NULL;
    if (!expected) return true;
    eg_problem_add(b->eval->problems, "type", doc->place, "%s: expected %s (as its default %s), found %s",
                   name, expected, eg_datum_write(b->eval->arena, standard),
                   eg_datum_describe(b->eval->arena, value));
    return false;
}

static const eg_doc *find_variant(const eg_args_source *source)
{
    return source->variant ? eg_doc_find(source->variants, source->variant) : NULL;
}

static bool bind_one(binder *b, const eg_doc *key, const eg_doc *standard, eg_datum *value)
{
    const eg_doc *variant = eg_doc_find(find_variant(b->source), key->text);
    const eg_doc *given = eg_doc_find(b->source->given, key->text);
    if (!read_value(b, standard, b->reader->lines, value)) return false;
    const eg_datum first = *value;
    if (variant && (!read_value(b, variant, b->reader->lines, value) ||
                    !check_kind(b, key->text, variant, &first, value)))
        return false;
    if (given && (!read_value(b, given, NULL, value) || !check_kind(b, key->text, given, &first, value)))
        return false;
    eg_scope_set(b->scope, b->eval->arena, key->text, *value);
    return true;
}

/* Keys of a mapping that are not arguments. */
static bool check_names(binder *b, const eg_doc *map, const char *const *others, size_t other_count)
{
    const eg_doc *defaults = b->source->defaults;
    size_t count = defaults ? defaults->count : 0;
    const char **names = EG_NEW_ARRAY(b->eval->arena, const char *, count);
    eg_buf list = {0};
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        names[i] = defaults->keys[i]->text;
        eg_buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
    }
    for (size_t i = 0; map && i < map->count; i++) {
        const eg_doc *key = map->keys[i];
        bool known = eg_doc_find(defaults, key->text) != NULL;
        for (size_t k = 0; k < other_count; k++) known |= strcmp(others[k], key->text) == 0;
        if (known) continue;
        const char *nearest = eg_nearest(key->text, names, count);
        eg_problem_add(b->eval->problems, "unknown_argument", key->place,
                       "the architecture has no argument '%s'%s%s%s%s%s", key->text,
                       nearest ? " (did you mean '" : "", nearest ? nearest : "", nearest ? "'?)" : "",
                       count ? "; it has " : "", list.data ? list.data : "");
        ok = false;
    }
    eg_buf_clear(&list);
    return ok;
}

static bool is_map(binder *b, const eg_doc *doc, const char *what)
{
    if (!doc || doc->kind == EG_DOC_MAP) return true;
    eg_problem_add(b->eval->problems, "syntax", doc->place, "expected %s as a mapping of names to values",
                   what);
    return false;
}

static bool check_variants(binder *b)
{
    const eg_doc *variants = b->source->variants;
    bool ok = is_map(b, variants, "the variants");
    for (size_t i = 0; ok && variants && i < variants->count; i++)
        ok = is_map(b, variants->items[i], "a variant's arguments") &&
             check_names(b, variants->items[i], NULL, 0);
    return ok;
}

bool eg_args_bind(eg_eval *eval, const eg_body_reader *reader, const eg_args_source *source, eg_scope *scope,
                  const char **text)
{
    static const char *const others[] = {"arch", "classes", "manifest"};
    binder b = {eval, reader, source, scope};
    const eg_doc *defaults = source->defaults;
    if (!is_map(&b, defaults, "the arguments") || !is_map(&b, source->given, "the target")) return false;
    bool ok = check_variants(&b);
    ok &= check_names(&b, source->given, others, sizeof others / sizeof *others);
    if (!ok) return false;
    eg_buf buf = {0};
    eg_buf_puts(&buf, "{");
    for (size_t i = 0; defaults && i < defaults->count; i++) {
        eg_datum value;
        bool bound = bind_one(&b, defaults->keys[i], defaults->items[i], &value);
        ok &= bound;
        if (bound)
            eg_buf_printf(&buf, "%s%s: %s", i ? ", " : "", defaults->keys[i]->text,
                          eg_datum_write(eval->arena, &value));
    }
    eg_buf_puts(&buf, "}");
    *text = eg_buf_take(&buf, eval->arena);
    return ok;
}
