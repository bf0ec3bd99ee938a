#include "format/module_versions.h"

#include "base/str.h"
#include "format/json.h"

const char *eg_module_versions_text(eg_arena *arena, const eg_module_version *versions, size_t count)
{
    bool telling = false;
    for (size_t i = 0; i < count; i++) telling |= versions[i].version != 1;
    if (!telling) return NULL;
    eg_json *json = eg_json_object();
    for (size_t i = 0; i < count; i++) eg_json_int(json, versions[i].path, versions[i].version);
    const char *text = eg_json_text(arena, json, 0);
    eg_json_free(json);
    return text;
}

bool eg_module_versions_parse(eg_arena *arena, const char *text, eg_checkpoint *out)
{
    eg_json *json = eg_json_parse(text, NULL);
    const char *path;
    const eg_json *number;
    size_t count = 0;
    bool ok = eg_json_is_object(json);
    for (void *at = NULL; ok && eg_json_next(json, &at, &path, &number);) count++;
    eg_module_version *versions = EG_NEW_ARRAY(arena, eg_module_version, count);
    count = 0;
    for (void *at = NULL; ok && eg_json_next(json, &at, &path, &number); count++) {
        versions[count].path = eg_arena_string(arena, path);
        ok = eg_json_is_int(number, &versions[count].version);
    }
    eg_json_free(json);
    if (!ok) return false;
    out->versions = versions;
    out->version_count = count;
    return true;
}
