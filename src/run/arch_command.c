/* engraft arch: which architectures there are, and what one of them is. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "engraft/net.h"
#include "engraft/run.h"
#include "format/json.h"
#include "format/yaml.h"
#include "net/language.h"
#include "net/library.h"
#include "net/show.h"
#include "run/table.h"

enum { LINE_WIDTH = 80 }; /* of the variants */

/* ---- the list ---- */

static eg_json *family_json(const eg_family *family)
{
    eg_json *json = eg_json_object(), *variants = eg_json_array();
    for (size_t i = 0; i < family->variant_count; i++) eg_json_string(variants, NULL, family->variants[i]);
    eg_json_string(json, "arch", family->arch);
    eg_json_add(json, "variants", variants);
    eg_json_string(json, "file", family->path);
    return json;
}

static bool list_json(const eg_family *families, size_t count, eg_error *err)
{
    eg_json *json = eg_json_array();
    for (size_t i = 0; i < count; i++) eg_json_add(json, NULL, family_json(&families[i]));
    bool ok = eg_json_print(json, stdout, err);
    eg_json_free(json);
    return ok;
}

/* The variants' names from *at on that fit into a line; "" when none is left. */
static const char *next_line(eg_arena *arena, const eg_family *family, size_t *at)
{
    eg_buf names = {0};
    for (; *at < family->variant_count; ++*at) {
        const char *name = family->variants[*at];
        if (names.length && names.length + strlen(name) > LINE_WIDTH) break;
        eg_buf_printf(&names, "%s%s", names.length ? " " : "", name);
    }
    return eg_buf_take(&names, arena);
}

static void list_text(eg_arena *arena, const eg_family *families, size_t count)
{
    const bool right[EG_TABLE_COLUMNS] = {false};
    size_t lines = 1;
    for (size_t i = 0; i < count; i++) lines += families[i].variant_count + 1; /* at most */
    eg_row *rows = EG_NEW_ARRAY(arena, eg_row, lines);
    rows[0] = (eg_row){{"architecture", "variants"}};
    lines = 1;
    for (size_t i = 0; i < count; i++) {
        const char *label = families[i].arch, *names;
        for (size_t at = 0; *(names = next_line(arena, &families[i], &at)); label = "")
            rows[lines++] = (eg_row){{label, names}};
        if (!families[i].variant_count) rows[lines++] = (eg_row){{label}};
    }
    eg_table_print(rows, lines, right);
}

static bool list(eg_arena *arena, const eg_arch_options *options, eg_error *err)
{
    size_t count = 0;
    const eg_family *families = eg_library_list(arena, &count);
    if (options->operators) {
        eg_language_print(stdout);
        return true;
    }
    if (options->keys || options->override_count)
        return eg_fail(err, EG_USAGE, "--keys and --set need the architecture's name: engraft arch NAME");
    if (options->json) return list_json(families, count, err);
    list_text(arena, families, count);
    return true;
}

/* ---- one ---- */

/* The arguments as a document: one `key: value` a line. */
static const eg_doc *arguments(eg_arena *arena, const eg_arch_options *options, eg_error *err)
{
    eg_buf text = {0};
    for (size_t i = 0; i < options->override_count; i++) {
        const char *set = options->overrides[i], *value = strchr(set, '=');
        if (!value || value == set || strchr(set, '\n')) {
            eg_buf_clear(&text);
            eg_fail(err, EG_USAGE, "--set %s: expected ARGUMENT=VALUE, as in num_classes=10", set);
            return NULL;
        }
        eg_buf_printf(&text, "%.*s: %s\n", (int)(value - set), set, value + 1);
    }
    if (!text.length) eg_buf_puts(&text, "{}");
    size_t length = text.length;
    return eg_doc_parse(arena, "--set", eg_buf_take(&text, arena), length, err);
}

/* PyTorch's order: channels first. */
static eg_json *value_json(const eg_value *value)
{
    eg_json *json = eg_json_array();
    for (uint32_t i = 0; i < value->rank; i++)
        eg_json_int(json, NULL, value->dims[value->rank == 3 ? (i + 2) % 3 : i]);
    return json;
}

static eg_json *key_json(const eg_param *param)
{
    eg_json *json = eg_json_object(), *shape = eg_json_array();
    for (uint32_t i = 0; i < param->shape.rank; i++) eg_json_int(shape, NULL, param->shape.dims[i]);
    eg_json_string(json, "name", param->name);
    eg_json_string(json, "dtype", eg_dtype_name(param->dtype));
    eg_json_add(json, "shape", shape);
    eg_json_bool(json, "buffer", param->buffer);
    return json;
}

static eg_json *module_json(const eg_net *net, const eg_module *module)
{
    eg_json *json = eg_json_object();
    eg_module_work work = eg_net_module_work(net, module->path);
    eg_json_string(json, "path", module->path);
    eg_json_string(json, "type", module->type);
    eg_json_int(json, "version", module->version);
    if (work.output) eg_json_add(json, "output", value_json(work.output));
    eg_json_int(json, "parameters", (int64_t)work.parameters);
    eg_json_real(json, "flops", work.flops);
    return json;
}

static bool show_json(const eg_net *net, eg_error *err)
{
    eg_json *json = eg_json_object(), *keys = eg_json_array(), *modules = eg_json_array();
    eg_module_work work = eg_net_module_work(net, "");
    for (int32_t i = 0; i < net->param_count; i++) eg_json_add(keys, NULL, key_json(&net->params[i]));
    for (int32_t i = 0; i < net->module_count; i++)
        eg_json_add(modules, NULL, module_json(net, &net->modules[i]));
    eg_json_string(json, "arch", net->arch);
    eg_json_string(json, "args", net->args);
    eg_json_add(json, "input", value_json(&net->values[0]));
    eg_json_add(json, "output", value_json(&net->values[net->output]));
    eg_json_int(json, "parameters", (int64_t)work.parameters);
    eg_json_int(json, "buffers", (int64_t)work.buffers);
    eg_json_real(json, "flops", work.flops);
    eg_json_add(json, "modules", modules);
    eg_json_add(json, "keys", keys);
    bool ok = eg_json_print(json, stdout, err);
    eg_json_free(json);
    return ok;
}

static bool show(eg_arena *arena, const eg_arch_options *options, eg_error *err)
{
    const eg_doc *args = arguments(arena, options, err);
    const eg_net *net = args ? eg_net_read(arena, options->name, args, options->problems, err) : NULL;
    if (!net) return false;
    if (options->json) return show_json(net, err);
    if (options->keys)
        eg_net_show_keys(net, stdout);
    else
        eg_net_show(net, stdout);
    return true;
}

bool eg_run_arch(const eg_arch_options *options, eg_error *err)
{
    eg_arena arena = {0};
    bool ok = options->name ? show(&arena, options, err) : list(&arena, options, err);
    eg_arena_clear(&arena);
    return ok;
}
