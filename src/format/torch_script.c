#include "format/torch_script.h"

#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "format/pickle_value.h"
#include "format/state_dict.h"
#include "format/torch_archive.h"

enum { MAX_CODE = 64 << 20 };

/* ---- code ---- */

/* Adds the quoted names of a list, `["weight", "bias", ]`, as attributes of a class. */
static void add_names(eg_arena *arena, eg_map *roles, const char *class, const char *list,
                      eg_script_role role)
{
    for (const char *start = strchr(list, '"'); start; start = strchr(start, '"')) {
        const char *end = strchr(++start, '"');
        if (!end) return;
        const char *name = eg_arena_substring(arena, start, (size_t)(end - start));
        eg_map_set(roles, eg_arena_printf(arena, "%s\n%s", class, name), role);
        start = end + 1;
    }
}

/* "class X(Module):" gives "X"; *module tells whether it is one. NULL for other lines. */
static const char *class_name(eg_arena *arena, const char *line, bool *module)
{
    size_t n = eg_starts_with(line, "class ") ? strcspn(line + 6, "(:") : 0;
    if (!n) return NULL;
    *module = eg_starts_with(line + 6 + n, "(Module)");
    return eg_arena_substring(arena, line + 6, n);
}

static void scan_line(eg_arena *arena, eg_map *roles, const char *package, const char *line,
                      const char **class)
{
    bool module = false;
    const char *name = class_name(arena, line, &module);
    if (name) {
        *class = eg_arena_printf(arena, "%s.%s", package, name);
        eg_map_set(roles, *class, module ? EG_SCRIPT_MODULE : EG_SCRIPT_OTHER);
    }
    line += strspn(line, " ");
    if (*class && eg_starts_with(line, "__parameters__ = ["))
        add_names(arena, roles, *class, line, EG_SCRIPT_PARAMETER);
    if (*class && eg_starts_with(line, "__buffers__ = ["))
        add_names(arena, roles, *class, line, EG_SCRIPT_BUFFER);
}

/* Only lines that can matter are copied: classes and the two lists. */
static void scan_code(eg_arena *arena, eg_map *roles, const char *package, const char *text)
{
    const char *class = NULL;
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n"), indent = strspn(line, " ");
        if (eg_starts_with(line, "class ") || eg_starts_with(line + indent, "__parameters__") ||
            eg_starts_with(line + indent, "__buffers__"))
            scan_line(arena, roles, package, eg_arena_substring(arena, line, n), &class);
        line += n + (line[n] == '\n');
    }
}

/* "archive/code/__torch__/a/b.py" is the package "__torch__.a.b". */
static const char *package_of(const eg_torch_archive *a, const char *record)
{
    eg_arena *arena = &a->file->arena;
    size_t skip = strlen(a->folder) + 1 + strlen("code/"), n = strlen(record);
    char *package = eg_arena_substring(arena, record + skip, n - skip - strlen(".py"));
    for (char *c = package; *c; c++)
        if (*c == '/') *c = '.';
    return package;
}

static eg_map *read_roles(eg_torch_archive *a)
{
    eg_arena *arena = &a->file->arena;
    eg_map *roles = eg_map_new(arena);
    const char *prefix = eg_arena_printf(arena, "%s/code/", a->folder);
    for (size_t i = 0; i < a->zip.count; i++) {
        const char *name = a->zip.entries[i].name, *text;
        size_t length;
        if (!eg_starts_with(name, prefix) || !eg_ends_with(name, ".py")) continue;
        if (!eg_torch_archive_text(a, name + strlen(a->folder) + 1, MAX_CODE, &text, &length)) return NULL;
        scan_code(arena, roles, package_of(a, name), text);
    }
    return roles;
}

/* ---- constants ---- */

static void add_value(eg_arena *arena, eg_checkpoint *out, const eg_entry *entry)
{
    eg_checkpoint_value *more = EG_NEW_ARRAY(arena, eg_checkpoint_value, out->value_count + 1);
    if (out->value_count) memcpy(more, out->values, out->value_count * sizeof *more);
    more[out->value_count++] = (eg_checkpoint_value){
        entry->name, "tensor",
        eg_arena_printf(arena, "%s %s", eg_dtype_name(entry->dtype), eg_shape_text(arena, entry->shape))};
    out->values = more;
}

static bool list_constants(eg_torch_archive *a)
{
    eg_arena *arena = &a->file->arena;
    const eg_ref *items;
    uint32_t count, tensors = 0;
    const eg_pickle *pickle = eg_torch_archive_pickle(a, "constants.pkl");
    if (!pickle) return false;
    eg_torch torch = {.arena = arena, .pickle = pickle};
    if (!eg_state_dict_references(pickle, &a->file->options, arena, &a->file->checkpoint, a->err) ||
        !eg_torch_collect(&torch, a->err) || !eg_torch_archive_attach_all(a, &torch, "constants"))
        return false;
    if (!eg_py_items(pickle, pickle->root, &items, &count)) return true;
    for (uint32_t i = 0; i < count && tensors < 100; i++) {
        eg_entry entry;
        const char *name = eg_arena_printf(arena, "CONSTANTS.c%u", i);
        if (!eg_torch_is_tensor(&torch, items[i]) || !eg_torch_tensor(&torch, items[i], name, &entry, NULL))
            continue;
        add_value(arena, &a->file->checkpoint, &entry);
        tensors++;
    }
    if (tensors)
        eg_checkpoint_warn(
            arena, &a->file->checkpoint,
            "the code holds %u constant tensor%s (a frozen model keeps its weights there), which are "
            "not part of the state dict",
            tensors, tensors == 1 ? "" : "s");
    return true;
}

/* ---- the module ---- */

static bool read_module(eg_torch_archive *a)
{
    eg_checkpoint_file *file = a->file;
    const eg_pickle *pickle = eg_torch_archive_pickle(a, "data.pkl");
    if (!pickle || !eg_torch_archive_check(a)) return false;
    eg_torch torch = {.arena = &file->arena,
                      .pickle = pickle,
                      .script = read_roles(a),
                      .allow_expand = file->options.allow_expand};
    if (!torch.script) return false;
    if (!eg_state_dict_references(pickle, &file->options, &file->arena, &file->checkpoint, a->err))
        return false;
    return eg_torch_collect(&torch, a->err) && eg_torch_archive_attach_all(a, &torch, "data") &&
           eg_state_dict_extract(&torch, &file->options, &file->checkpoint, a->err) && list_constants(a);
}

bool eg_torch_script_read(eg_checkpoint_file *file, eg_error *err)
{
    file->checkpoint.format = "torchscript";
    eg_torch_archive *a = eg_torch_archive_open(file, err);
    bool ok = a && read_module(a);
    if (a) a->err = NULL; /* the caller's error does not outlive this call */
    return ok;
}

bool eg_torch_script_refuse_old(eg_checkpoint_file *file, eg_error *err)
{
    (void)file;
    return eg_fail_id(err, EG_MALFORMED, "TEN-009", "tensor '%s': %s tensors are not supported (%s)",
                      "model.json", "TorchScript 1.0 to 1.2", "re-save the model with torch >= 1.6");
}
