#include "engraft/recipe.h"

#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "recipe/complete.h"
#include "recipe/extends.h"
#include "recipe/override.h"
#include "recipe/recipe.h"
#include "recipe/sections.h"
#include "recipe/variable.h"

/* The file's name without its extension. */
static const char *stem(eg_arena *arena, const char *path)
{
    const char *name = eg_path_name(path), *dot = strrchr(name, '.');
    return dot && dot != name ? eg_arena_substring(arena, name, (size_t)(dot - name)) : name;
}

/* runs/<name>: what would lead elsewhere, or be a URL, becomes '-'. */
static const char *run_folder(eg_arena *arena, const char *name)
{
    char *folder = eg_arena_printf(arena, "runs/%s", name);
    for (char *at = folder + strlen("runs/"); *at; at++) {
        bool first = at[-1] == '/';
        if (*at == '/' || *at == ':' || *at == '\\' || (first && *at == '.') || (unsigned char)*at < 0x20)
            *at = '-';
    }
    return folder;
}

/* Defaults that depend on the file's name. */
static void name_defaults(eg_arena *arena, eg_recipe *recipe)
{
    if (!recipe->name || !recipe->name[0]) recipe->name = stem(arena, recipe->path);
    if (!recipe->output.dir)
        recipe->output.dir = eg_path_join(arena, recipe->folder, run_folder(arena, recipe->name));
}

const eg_recipe *eg_recipe_check(eg_arena *arena, const char *path, const eg_doc *doc,
                                 const char *const *overrides, size_t override_count, eg_problems *problems,
                                 eg_error *err)
{
    eg_recipe *recipe = EG_NEW(arena, eg_recipe);
    recipe->path = eg_arena_string(arena, path);
    recipe->folder = eg_path_folder(arena, recipe->path);
    eg_schema in = {arena, recipe->folder, problems, &eg_recipe_schema};
    size_t before = problems->errors;
    doc = eg_extends_apply(&in, path, doc);
    for (size_t i = 0; i < override_count; i++) doc = eg_override_apply(&in, doc, overrides[i]);
    doc = eg_variables_apply(&in, doc);
    if (eg_doc_is_null(doc))
        eg_problem_add(problems, "wrong_type", doc->place,
                       "the recipe is empty, expected a mapping that starts with "
                       "'recipe: 1'");
    eg_schema_read(&in, &eg_recipe_schema, doc, recipe);
    recipe->doc = doc;
    name_defaults(arena, recipe);
    if (problems->errors == before) return recipe;
    eg_problems_check(problems, EG_RECIPE, err);
    return NULL;
}

const eg_recipe *eg_recipe_read(eg_arena *arena, const char *path, const char *const *overrides,
                                size_t override_count, eg_problems *problems, eg_error *err)
{
    eg_error why = {0};
    const eg_doc *doc = eg_doc_read(arena, path, &why);
    if (doc) return eg_recipe_check(arena, path, doc, overrides, override_count, problems, err);
    if (why.code == EG_RECIPE)
        eg_problem_add(problems, "yaml", (eg_place){why.file, why.line, why.column}, "%s", why.text);
    if (err && err->code == EG_OK) *err = why;
    return NULL;
}

/* A scalar without quotes where it means the same. */
static const eg_doc *text_doc(eg_arena *arena, const char *text)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.-";
    eg_doc *doc = EG_NEW(arena, eg_doc);
    *doc = (eg_doc){.text = text, .plain = text[strspn(text, safe)] == '\0'};
    if (eg_doc_is_null(doc) || text[0] == '-') doc->plain = false;
    return doc;
}

const char *eg_recipe_text(eg_arena *arena, const eg_recipe *recipe)
{
    eg_problems none = {.arena = arena};
    eg_schema in = {arena, recipe->folder, &none, &eg_recipe_schema};
    const char *dir = run_folder(arena, recipe->name);
    const eg_doc *doc = recipe->doc;
    if (eg_doc_is_null(eg_doc_find(doc, "name")))
        doc = eg_override_set(&in, doc, "name", text_doc(arena, recipe->name));
    if (eg_doc_is_null(eg_doc_find(eg_doc_find(doc, "output"), "dir")))
        doc = eg_override_set(&in, doc, "output.dir", text_doc(arena, dir));
    return eg_doc_text(arena, eg_schema_complete(arena, &eg_recipe_schema, doc, recipe->folder));
}
