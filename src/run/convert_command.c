/* `engraft convert`: a checkpoint in another format. The state dict keeps its names, order, types and ties,
 * and PyTorch's module versions; views become contiguous; what is no tensor of it stays behind, and is named.
 */
#include <stdio.h>

#include "base/log.h"
#include "base/str.h"
#include "engraft/checkpoint.h"
#include "engraft/run.h"
#include "format/json.h"
#include "run/named_file.h"
#include "run/table.h"

enum { NAMED = 8 }; /* values listed by name */

static uint64_t count_bytes(const eg_store *store)
{
    uint64_t bytes = 0, numel = 0;
    for (size_t i = 0; i < store->count; i++)
        if (eg_shape_numel(store->entries[i].shape, &numel))
            bytes += numel * eg_dtype_size(store->entries[i].dtype);
    return bytes;
}

static bool print_json(const eg_checkpoint *file, const char *out, eg_error *err)
{
    eg_json *json = eg_json_object(), *left = eg_json_array(), *warnings = eg_json_array();
    eg_arena arena = {0};
    const char *losses = eg_checkpoint_losses(&arena, out, file);
    for (size_t i = 0; i < file->value_count; i++) eg_json_string(left, NULL, file->values[i].name);
    for (size_t i = 0; i < file->warning_count; i++) eg_json_string(warnings, NULL, file->warnings[i]);
    eg_json_string(json, "file", out);
    eg_json_string(json, "from", file->path);
    eg_json_string(json, "from_format", file->format);
    eg_json_string(json, "state_dict", file->state_dict);
    eg_json_int(json, "tensors", (int64_t)file->store.count);
    eg_json_int(json, "bytes", (int64_t)count_bytes(&file->store));
    eg_json_add(json, "left_behind", left);
    eg_json_string(json, "lost", losses);
    eg_json_add(json, "warnings", warnings);
    bool ok = eg_json_print(json, stdout, err);
    eg_json_free(json);
    eg_arena_clear(&arena);
    return ok;
}

static void print_text(const eg_checkpoint *file, const char *out)
{
    eg_arena arena = {0};
    eg_buf left = {0};
    for (size_t i = 0; i < file->warning_count; i++) eg_log("warning: %s", file->warnings[i]);
    const char *losses = eg_checkpoint_losses(&arena, out, file);
    if (losses) eg_log("warning: %s has no place for %s", out, losses);
    printf("%s: %s tensor%s, %s, from %s (%s%s%s%s)\n", out, eg_count_text(&arena, file->store.count),
           file->store.count == 1 ? "" : "s", eg_size_text(&arena, count_bytes(&file->store)), file->path,
           file->format, *file->state_dict ? ", state dict '" : "", file->state_dict,
           *file->state_dict ? "'" : "");
    for (size_t i = 0; i < file->value_count && i < NAMED; i++)
        eg_buf_printf(&left, "%s%s", i ? ", " : "", file->values[i].name);
    if (file->value_count)
        printf("left behind, being no tensors of the state dict: %s%s\n", left.data,
               file->value_count > NAMED ? ", …" : "");
    eg_buf_clear(&left);
    eg_arena_clear(&arena);
}

bool eg_run_convert(const eg_convert_options *options, eg_error *err)
{
    if (!eg_checkpoint_writable(options->out, err)) return false;
    eg_checkpoint *file = eg_named_file_open(options->in, &options->read, err);
    if (!file) return false;
    const eg_checkpoint_extra extra = {
        .versions = file->versions, .version_count = file->version_count, .card = file->card};
    bool ok = eg_checkpoint_write(options->out, &file->store, &extra, err);
    if (ok && options->json) ok = print_json(file, options->out, err);
    if (ok && !options->json) print_text(file, options->out);
    eg_checkpoint_close(file);
    return ok;
}
