#include "format/torch_writer.h"

#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "format/torch_layout.h"
#include "format/torch_zip.h"
#include "format/zip_writer.h"

const char *eg_torch_pickle_text(eg_arena *arena, const eg_store *store, const eg_checkpoint_extra *extra,
                                 size_t *length, eg_error *err)
{
    eg_torch_layout l = {0};
    if (!eg_torch_layout_plan(arena, store, &l, err)) return NULL;
    return eg_torch_layout_pickle(arena, &l, extra, length);
}

/* ---- the container ---- */

/* The storages: room for each, then the bytes of all. */
static bool write_storages(eg_zip_writer *zip, const eg_torch_layout *l, const eg_checkpoint_extra *extra,
                           eg_error *err)
{
    eg_payload *payloads = EG_NEW_ARRAY(zip->arena, eg_payload, l->record_count);
    size_t first = zip->count;
    for (size_t i = 0; i < l->record_count; i++) {
        const eg_entry *entry = l->records[i]->entry;
        uint64_t size = l->records[i]->numel * eg_dtype_size(entry->dtype);
        const char *name = eg_arena_printf(zip->arena, "archive/data/%zu", i);
        if (!eg_zip_writer_begin(zip, name, size, err) || !eg_zip_writer_place(zip, entry, &payloads[i], err))
            return false;
    }
    if (!eg_payloads_write(zip->output, payloads, l->record_count, extra, err)) return false;
    for (size_t i = 0; i < l->record_count; i++)
        if (!eg_zip_writer_fill(zip, first + i, &payloads[i], err)) return false;
    return true;
}

/* Forty digits that stand for the content: two numbers from the SHA-256 of every record's name and CRC. */
static const char *make_id(const eg_zip_writer *zip)
{
    char hex[65];
    eg_sha256 *sha = eg_sha256_new();
    for (size_t i = 0; i < zip->count; i++) {
        const eg_zip_record *record = &zip->records[i];
        const uint8_t crc[4] = {(uint8_t)record->crc, (uint8_t)(record->crc >> 8),
                                (uint8_t)(record->crc >> 16), (uint8_t)(record->crc >> 24)};
        eg_sha256_add(sha, record->name, strlen(record->name) + 1);
        eg_sha256_add(sha, crc, sizeof crc);
    }
    eg_sha256_finish(sha, hex);
    unsigned long long second = strtoull(eg_arena_substring(zip->arena, hex + 16, 16), NULL, 16);
    unsigned long long first = strtoull(eg_arena_substring(zip->arena, hex, 16), NULL, 16);
    return eg_arena_printf(zip->arena, "%020llu%020llu", first, second);
}

static bool write_text(eg_zip_writer *zip, const char *name, const char *text, eg_error *err)
{
    return eg_zip_writer_record(zip, name, text, strlen(text), err);
}

static bool write_archive(eg_zip_writer *zip, const eg_torch_layout *l, const eg_checkpoint_extra *extra,
                          const char *id, eg_error *err)
{
    size_t length = 0;
    const char *pickle = eg_torch_layout_pickle(zip->arena, l, extra, &length);
    if (!eg_zip_writer_record(zip, "archive/data.pkl", pickle, length, err) ||
        !write_text(zip, "archive/.format_version", "1", err) ||
        !write_text(zip, "archive/.storage_alignment", "64", err) ||
        !write_text(zip, "archive/byteorder", "little", err))
        return false;
    if (!write_storages(zip, l, extra, err)) return false;
    if (extra && extra->card && !write_text(zip, "archive/" EG_CARD_RECORD, extra->card, err)) return false;
    return write_text(zip, "archive/version", "3\n", err) &&
           write_text(zip, "archive/.data/serialization_id", id ? id : make_id(zip), err) &&
           eg_zip_writer_finish(zip, err);
}

bool eg_torch_zip_write_to(eg_output *output, const eg_store *store, const eg_checkpoint_extra *extra,
                           const char *serialization_id, eg_error *err)
{
    eg_arena arena = {0};
    eg_torch_layout l = {0};
    eg_zip_writer zip = {.output = output, .arena = &arena};
    bool ok =
        eg_torch_layout_plan(&arena, store, &l, err) && write_archive(&zip, &l, extra, serialization_id, err);
    eg_arena_clear(&arena);
    return ok;
}

bool eg_torch_zip_write(const char *path, const eg_store *store, const eg_checkpoint_extra *extra,
                        eg_error *err)
{
    eg_output *output = eg_output_open(path, err);
    if (!output) return false;
    if (eg_torch_zip_write_to(output, store, extra, NULL, err)) return eg_output_commit(output, err);
    eg_output_abandon(output);
    return eg_error_in(err, path);
}
