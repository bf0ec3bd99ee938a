#include "recipe/dialect.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

static const char *const folders[] = {ENGRAFT_RECIPES_INSTALLED, ENGRAFT_RECIPES_SOURCE};

enum { FOLDERS = sizeof folders / sizeof *folders };

/* The shipped dialects' names, sorted; *folder: where they are. */
static size_t shipped(eg_arena *arena, const char *const **names, const char **folder)
{
    const char *const *files;
    size_t count, kept = 0;
    for (size_t f = 0; f < FOLDERS; f++) {
        *folder = eg_path_join(arena, folders[f], "dialects");
        if (!eg_path_is_folder(*folder) || !eg_folder_list(arena, *folder, &files, &count, NULL)) continue;
        const char **list = EG_NEW_ARRAY(arena, const char *, count);
        for (size_t i = 0; i < count; i++)
            if (eg_ends_with(files[i], ".yaml"))
                list[kept++] = eg_arena_substring(arena, files[i], strlen(files[i]) - strlen(".yaml"));
        *names = list;
        return kept;
    }
    return 0;
}

static const char *nearest(eg_arena *arena, const char *name)
{
    const char *const *names, *folder;
    size_t count = shipped(arena, &names, &folder);
    return count ? eg_nearest(name, names, count) : NULL;
}

size_t eg_dialect_list(eg_arena *arena, const char *const **names)
{
    const char *const *list, *folder;
    size_t count = shipped(arena, &list, &folder), kept = 0;
    const char **out = EG_NEW_ARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        int64_t version;
        const eg_doc *file =
            eg_doc_read(arena, eg_path_join(arena, folder, eg_arena_printf(arena, "%s.yaml", list[i])), NULL);
        const eg_doc *number = eg_doc_find(file, "dialect");
        if (number && eg_scalar_int(number, &version))
            out[kept++] = eg_arena_printf(arena, "%s@%" PRId64, list[i], version);
    }
    *names = out;
    return kept;
}

static bool looks_like_path(const char *name)
{
    return name[0] == '/' || name[0] == '.' || eg_ends_with(name, ".yaml") || eg_ends_with(name, ".yml");
}

/* The file of a name, or NULL and a problem. */
static const char *find_file(eg_schema *in, const eg_doc *doc, const char *name)
{
    const char *prefix = "dialects/";
    eg_doc path = *doc;
    const eg_field field = {.key = "use", .type = EG_TYPE_PATH};
    const char *file = NULL;
    path.text = name;
    if (looks_like_path(name)) {
        eg_schema_path(in, &field, &path, &file);
        return file;
    }
    if (eg_starts_with(name, prefix)) name += strlen(prefix);
    for (size_t f = 0; f < FOLDERS; f++) {
        file = eg_arena_printf(in->arena, "%s/dialects/%s.yaml", folders[f], name);
        if (!strchr(name, '/') && eg_path_exists(file)) return file;
    }
    const char *near = nearest(in->arena, name);
    eg_problem_add(in->problems, "unknown_dialect", doc->place, "there is no dialect '%s'%s%s%s", name,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return NULL;
}

static const eg_doc *check_file(eg_schema *in, const eg_doc *doc, const eg_doc *file, int64_t wanted)
{
    int64_t version = 0;
    const eg_doc *number = eg_doc_find(file, "dialect"), *mapping = eg_doc_find(file, "mapping");
    for (size_t i = 0; file->kind == EG_DOC_MAP && i < file->count; i++)
        if (!strstr(" dialect description mapping ", eg_arena_printf(in->arena, " %s ", file->keys[i]->text)))
            eg_problem_add(in->problems, "unknown_key", file->keys[i]->place,
                           "unknown key '%s' in a dialect; there are dialect, description and mapping",
                           file->keys[i]->text);
    if (!number || !eg_scalar_int(number, &version) || !mapping) {
        eg_problem_add(in->problems, "missing_key", file->place,
                       "a dialect starts with 'dialect: 1', its version, and has a 'mapping'");
        return NULL;
    }
    if (version == wanted) return mapping;
    eg_problem_add(in->problems, "dialect_version", doc->place,
                   "'%s' asks for version %" PRId64 ", and the dialect is version %" PRId64, doc->text,
                   wanted, version);
    return NULL;
}

const eg_doc *eg_dialect_read(eg_schema *in, const eg_doc *doc)
{
    eg_error err = {0};
    const char *text = eg_schema_text(in, doc, "use"), *at = text ? strrchr(text, '@') : NULL;
    int64_t version;
    if (!text) return NULL;
    if (!at || at == text || !eg_scalar_int(&(eg_doc){.text = at + 1, .plain = true}, &version)) {
        eg_schema_expected(in, doc, "use", "a dialect with its version, such as torchvision-vgg@1");
        return NULL;
    }
    const char *path = find_file(in, doc, eg_arena_substring(in->arena, text, (size_t)(at - text)));
    if (!path) return NULL;
    const eg_doc *file = eg_doc_read(in->arena, path, &err);
    if (file) return check_file(in, doc, file, version);
    if (err.code == EG_RECIPE)
        eg_problem_add(in->problems, "yaml",
                       (eg_place){eg_arena_string(in->arena, err.file), err.line, err.column}, "%s",
                       err.text);
    else
        eg_problem_add(in->problems, "no_file", doc->place, "cannot read '%s': %s", path, err.text);
    return NULL;
}
