#include "format/safetensors.h"

#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "format/module_versions.h"
#include "format/safetensors_header.h"
#include "format/state_dict.h"

enum { MAX_SHOWN = 100 };

static eg_entry make_entry(eg_checkpoint_file *file, const eg_safetensors_header *header,
                           const eg_safetensors_tensor *tensor)
{
    eg_storage *storage = EG_NEW(&file->arena, eg_storage);
    uint64_t at = header->size + tensor->begin;
    *storage = (eg_storage){.key = tensor->name,
                            .bytes = file->mapping.bytes + at,
                            .size = tensor->end - tensor->begin,
                            .fd = file->mapping.fd,
                            .file_offset = at};
    return (eg_entry){
        .name = tensor->name, .dtype = tensor->type->dtype, .shape = tensor->shape, .storage = storage};
}

static bool unsupported(eg_checkpoint_file *file, const eg_safetensors_tensor *tensor, eg_error *err)
{
    const char *name = eg_printable(&file->arena, tensor->name, strnlen(tensor->name, MAX_SHOWN));
    const char *text = eg_arena_printf(
        &file->arena, "tensor '%s': %s tensors are not supported (elements smaller than a byte)", name,
        tensor->type->name);
    if (!file->options.inspect) return eg_fail_id(err, EG_MALFORMED, "TEN-009", "%s", text);
    eg_checkpoint_warn(&file->arena, &file->checkpoint, "TEN-009: %s", text);
    return true;
}

static bool make_store(eg_checkpoint_file *file, const eg_safetensors_header *header, eg_error *err)
{
    eg_store *store = &file->checkpoint.store;
    eg_entry *entries = EG_NEW_ARRAY(&file->arena, eg_entry, header->count + header->metadata_count);
    store->entries = entries;
    for (size_t i = 0; i < header->count; i++) {
        const eg_safetensors_tensor *tensor = &header->tensors[i];
        if (tensor->type->dtype != EG_DTYPE_COUNT)
            entries[store->count++] = make_entry(file, header, tensor);
        else if (!unsupported(file, tensor, err))
            return false;
    }
    eg_store_index(store, &file->arena);
    return true;
}

/* The tensor that this pair of the metadata ties another name to, or NULL. */
static const eg_entry *tied_to(const eg_store *store, const eg_safetensors_pair *pair)
{
    if (strcmp(pair->key, "format") == 0 || eg_store_find(store, pair->key)) return NULL;
    return eg_store_find(store, pair->value);
}

static void read_metadata(eg_checkpoint_file *file, const eg_safetensors_header *header)
{
    eg_arena *arena = &file->arena;
    eg_checkpoint *out = &file->checkpoint;
    eg_checkpoint_value *values = EG_NEW_ARRAY(arena, eg_checkpoint_value, header->metadata_count);
    eg_entry *ties = (eg_entry *)out->store.entries + out->store.count;
    for (size_t i = 0; i < header->metadata_count; i++) {
        const eg_safetensors_pair *pair = &header->metadata[i];
        const eg_entry *kept = tied_to(&out->store, pair);
        if (strcmp(pair->key, EG_SAFETENSORS_CARD) == 0) {
            out->card = pair->value;
        } else if (strcmp(pair->key, EG_SAFETENSORS_VERSIONS) == 0 &&
                   eg_module_versions_parse(arena, pair->value, out)) {
            continue;
        } else if (kept) {
            ties[file->ties] = *kept;
            ties[file->ties++].name = pair->key;
        } else {
            values[out->value_count++] =
                (eg_checkpoint_value){eg_arena_printf(arena, "__metadata__.%s", pair->key), "str",
                                      eg_printable(arena, pair->value, strnlen(pair->value, MAX_SHOWN))};
        }
    }
    out->values = values;
    out->store.count += file->ties;
    if (file->ties) eg_store_index(&out->store, arena);
}

bool eg_safetensors_read(eg_checkpoint_file *file, eg_error *err)
{
    eg_safetensors_header header;
    eg_checkpoint *out = &file->checkpoint;
    out->format = "safetensors";
    if (!eg_safetensors_header_parse(&header, &file->arena, file->mapping.bytes, file->mapping.size, err) ||
        !make_store(file, &header, err))
        return false;
    read_metadata(file, &header);
    if (header.blank_first)
        eg_checkpoint_warn(&file->arena, out, "white space before the header; the format asks for none");
    if (header.unknown)
        eg_checkpoint_warn(&file->arena, out, "keys that the format does not know were ignored, '%s' first",
                           header.unknown);
    return true;
}
