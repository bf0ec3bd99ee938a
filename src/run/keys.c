#include "run/keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"

/* Separators become dots; one that stands in front, as in "/dense/kernel", is none. */
static const char *dotted(eg_arena *arena, const char *name, const char *separator, size_t *seen)
{
    size_t length = strlen(separator);
    eg_buf out = {0};
    eg_buf_puts(&out, "");
    while (*name) {
        bool is = strncmp(name, separator, length) == 0;
        if (is && out.length) eg_buf_puts(&out, ".");
        if (!is) eg_buf_add(&out, name, 1);
        *seen += is;
        name += is ? length : 1;
    }
    return eg_buf_take(&out, arena);
}

static bool rename_all(eg_arena *arena, const eg_source_section *section, eg_store *store,
                       eg_problems *problems, eg_error *err)
{
    eg_entry *entries = (eg_entry *)store->entries;
    eg_map *names = eg_map_new(arena);
    size_t seen = 0;
    for (size_t i = 0; i < store->count; i++) {
        const char *before = entries[i].name;
        entries[i].name = dotted(arena, before, section->separator, &seen);
        if (!eg_map_add(names, entries[i].name, (int64_t)i))
            return eg_fail_at(
                err, EG_RECIPE, section->place,
                "with the separator '%s' two tensors of the source are named '%s'; the second is '%s'",
                section->separator, entries[i].name, before);
    }
    if (seen || !store->count) return true;
    eg_problem_add(problems, "unused_rule", section->place,
                   "source.separator '%s' stands in no name of the source; the first is '%s'",
                   section->separator, entries[0].name);
    eg_problem_suggest(problems, "leave it out: dots are the separator by themselves");
    return true;
}

/* ---- numbers ---- */

/* The value's name inside the state dict; NULL: it is no number, or stands elsewhere in the file. */
static const char *scalar_name(const eg_checkpoint *file, const eg_checkpoint_value *value)
{
    size_t length = strlen(file->state_dict);
    bool number = strcmp(value->type, "int") == 0 || strcmp(value->type, "float") == 0 ||
                  strcmp(value->type, "bool") == 0;
    if (!number || strncmp(value->name, file->state_dict, length) != 0) return NULL;
    if (!length) return value->name;
    return value->name[length] == '.' ? value->name + length + 1 : NULL;
}

/* As torch.tensor makes it, but for floats, which keep all their bits; false: an integer beyond 64 bits. */
static bool make_scalar(eg_arena *arena, const char *name, const eg_checkpoint_value *value, eg_entry *out)
{
    struct {
        int64_t whole;
        double real;
        uint8_t truth;
    } *bytes = eg_arena_alloc(arena, sizeof *bytes);
    char *end = NULL;
    bool real = strcmp(value->type, "float") == 0, truth = strcmp(value->type, "bool") == 0;
    bytes->truth = strcmp(value->text, "True") == 0;
    if (real) bytes->real = strtod(value->text, &end);
    if (!real && !truth) bytes->whole = strtoll(value->text, &end, 10);
    if (end && (*end || end == value->text)) return false;
    const void *at = real ? (const void *)&bytes->real : truth ? (const void *)&bytes->truth : &bytes->whole;
    *out = eg_entry_in_memory(arena, name, real ? EG_F64 : truth ? EG_BOOL : EG_I64, (eg_shape){0}, at);
    return true;
}

static size_t add_scalars(eg_arena *arena, const eg_checkpoint *file, eg_entry *entries, size_t count)
{
    for (size_t i = 0; i < file->value_count; i++) {
        const char *name = scalar_name(file, &file->values[i]);
        if (name && make_scalar(arena, name, &file->values[i], &entries[count])) count++;
    }
    return count;
}

bool eg_keys_read(eg_arena *arena, const eg_source_section *section, const eg_checkpoint *file,
                  const eg_store *in, const eg_store **out, eg_problems *problems, eg_error *err)
{
    *out = in;
    if (!section->separator && !section->scalars) return true;
    size_t most = in->count + (file ? file->value_count : 0);
    eg_entry *entries = EG_NEW_ARRAY(arena, eg_entry, most);
    eg_store *store = EG_NEW(arena, eg_store);
    if (in->count) memcpy(entries, in->entries, in->count * sizeof *entries);
    *store = (eg_store){.entries = entries, .count = in->count};
    if (section->scalars && file) store->count = add_scalars(arena, file, entries, in->count);
    if (section->separator && !rename_all(arena, section, store, problems, err)) return false;
    eg_store_index(store, arena);
    *out = store;
    return true;
}
