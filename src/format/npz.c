#include "format/npz.h"

#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/str.h"
#include "format/npy.h"
#include "format/state_dict.h"
#include "format/zip_record.h"
#include "format/zip_writer.h"

bool eg_npz_is(const eg_zip *zip)
{
    for (size_t i = 0; i < zip->count; i++)
        if (!eg_ends_with(zip->entries[i].name, ".npy")) return false;
    return zip->count > 0;
}

/* ---- reading ---- */

static eg_storage *make_storage(eg_checkpoint_file *file, eg_zip *zip, const eg_zip_entry *record,
                                const eg_npy *npy)
{
    eg_storage *storage = EG_NEW(&file->arena, eg_storage);
    *storage = (eg_storage){.key = record->name, .size = npy->bytes, .fd = -1, .big_endian = npy->big_endian};
    eg_zip_record_attach(file, zip, record, npy->size, storage);
    return storage;
}

/* Objects are refused; texts and records are listed, for they are no tensors. */
static bool read_other(eg_checkpoint_file *file, const eg_npy *npy, const char *name, eg_error *err)
{
    eg_arena *arena = &file->arena;
    eg_checkpoint *out = &file->checkpoint;
    eg_error why = {0};
    if (strlen(npy->descr) < 2 || npy->descr[1] != 'O') {
        ((eg_checkpoint_value *)out->values)[out->value_count++] = (eg_checkpoint_value){
            name, eg_arena_printf(arena, "numpy %s", npy->descr), eg_shape_text(arena, npy->shape)};
        return true;
    }
    eg_npy_unsupported(npy, name, &why);
    if (!file->options.inspect) return eg_fail_id(err, why.code, why.id, "%s", why.text);
    eg_checkpoint_warn(arena, out, "%s: %s", why.id, why.text);
    return true;
}

static bool read_array(eg_checkpoint_file *file, eg_zip *zip, const eg_zip_entry *record, eg_error *err)
{
    eg_arena *arena = &file->arena;
    eg_store *store = &file->checkpoint.store;
    const char *name = eg_arena_substring(arena, record->name, strlen(record->name) - 4);
    uint8_t header[EG_NPY_LONGEST];
    size_t size = record->full < sizeof header ? (size_t)record->full : sizeof header;
    eg_npy npy;
    if (!eg_zip_peek(zip, record, header, size, err) || !eg_npy_parse(&npy, arena, name, header, size, err))
        return false;
    if (npy.dtype == EG_DTYPE_COUNT) return read_other(file, &npy, name, err);
    if (npy.bytes != record->full - npy.size)
        return eg_fail_id(err, EG_MALFORMED, "NPY-002", "array '%s': %llu bytes for %s%s, expected %llu",
                          name, (unsigned long long)(record->full - npy.size), npy.descr,
                          eg_shape_text(arena, npy.shape), (unsigned long long)npy.bytes);
    ((eg_entry *)store->entries)[store->count++] =
        (eg_entry){.name = name,
                   .dtype = npy.dtype,
                   .shape = npy.shape,
                   .strides = npy.strides,
                   .storage = make_storage(file, zip, record, &npy)};
    return true;
}

bool eg_npz_read(eg_checkpoint_file *file, eg_error *err)
{
    eg_zip *zip = EG_NEW(&file->arena, eg_zip); /* lazy arrays refer to it */
    eg_checkpoint *out = &file->checkpoint;
    out->format = "npz";
    if (!eg_zip_open(zip, &file->arena, file->mapping.bytes, file->mapping.size, err)) return false;
    out->store.entries = EG_NEW_ARRAY(&file->arena, eg_entry, zip->count);
    out->values = EG_NEW_ARRAY(&file->arena, eg_checkpoint_value, zip->count);
    for (size_t i = 0; i < zip->count; i++)
        if (!read_array(file, zip, &zip->entries[i], err)) return false;
    eg_store_index(&out->store, &file->arena);
    return true;
}

/* ---- writing ---- */

static bool cannot(eg_error *err, const char *what, const char *name)
{
    return eg_fail_id(err, EG_MALFORMED, "WR-001", "%s cannot represent %s '%s'", "npz", what, name);
}

/* The record's header, and room for the elements. */
static bool place_array(eg_zip_writer *zip, const eg_entry *entry, eg_map *names, eg_payload *payload,
                        eg_error *err)
{
    const char *record = eg_arena_printf(zip->arena, "%s.npy", entry->name);
    uint64_t numel = 0, bytes = 0;
    size_t header_size = 0, length = strlen(entry->name);
    if (length == 0 || eg_zip_name_fault(record, strlen(record)))
        return cannot(err, "the name", eg_printable(zip->arena, entry->name, length < 80 ? length : 80));
    if (!eg_map_add(names, entry->name, 1)) return cannot(err, "two tensors with the name", entry->name);
    const char *header = eg_npy_header(zip->arena, entry->dtype, entry->shape, &header_size);
    if (!header)
        return cannot(err, eg_arena_printf(zip->arena, "the %s tensor", eg_dtype_name(entry->dtype)),
                      entry->name);
    if (!eg_shape_numel(entry->shape, &numel) ||
        __builtin_mul_overflow(numel, eg_dtype_size(entry->dtype), &bytes) ||
        bytes > UINT64_MAX - header_size)
        return cannot(err, "the size of", entry->name);
    return eg_zip_writer_begin(zip, record, bytes + header_size, err) &&
           eg_zip_writer_add(zip, header, header_size, err) && eg_zip_writer_place(zip, entry, payload, err);
}

static bool write_arrays(eg_zip_writer *zip, const eg_store *store, const eg_checkpoint_extra *extra,
                         eg_error *err)
{
    eg_payload *payloads = EG_NEW_ARRAY(zip->arena, eg_payload, store->count);
    eg_map *names = eg_map_new(zip->arena);
    for (size_t i = 0; i < store->count; i++)
        if (!place_array(zip, &store->entries[i], names, &payloads[i], err)) return false;
    if (!eg_payloads_write(zip->output, payloads, store->count, extra, err)) return false;
    for (size_t i = 0; i < store->count; i++)
        if (!eg_zip_writer_fill(zip, i, &payloads[i], err)) return false;
    return eg_zip_writer_finish(zip, err);
}

bool eg_npz_write(const char *path, const eg_store *store, const eg_checkpoint_extra *extra, eg_error *err)
{
    eg_arena arena = {0};
    eg_output *output = eg_output_open(path, err);
    eg_zip_writer zip = {.output = output, .arena = &arena};
    bool ok = output && write_arrays(&zip, store, extra, err);
    eg_arena_clear(&arena);
    if (ok) return eg_output_commit(output, err);
    eg_output_abandon(output);
    return eg_error_in(err, path);
}
