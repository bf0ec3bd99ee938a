#include "format/torch_archive.h"

#include <string.h>

#include "base/memory.h"
#include "base/str.h"
#include "format/state_dict.h"
#include "format/zip_record.h"

enum { MAX_PICKLE = 256 << 20 /* unless the options say otherwise */, MAX_TEXT = 64 };

/* Every entry must lie in the folder that the first one names (torch's getAllRecords demands it). */
static bool find_folder(eg_torch_archive *a)
{
    eg_arena *arena = &a->file->arena;
    if (a->zip.count == 0)
        return eg_fail_id(a->err, EG_MALFORMED, "ZIP-015", "no data.pkl in the archive (found: %s)",
                          "nothing");
    const char *first = a->zip.entries[0].name, *slash = strchr(first, '/');
    a->folder = eg_arena_substring(arena, first, slash ? (size_t)(slash - first) : 0);
    const char *prefix = eg_arena_printf(arena, "%s/", a->folder);
    for (size_t i = 0; i < a->zip.count; i++)
        if (!eg_starts_with(a->zip.entries[i].name, prefix))
            return eg_fail_id(a->err, EG_MALFORMED, "ZIP-003",
                              "entry '%s' is outside the archive folder '%s/'", a->zip.entries[i].name,
                              a->folder);
    return true;
}

const eg_zip_entry *eg_torch_archive_find(const eg_torch_archive *a, const char *name)
{
    return eg_zip_find(&a->zip, eg_arena_printf(&a->file->arena, "%s/%s", a->folder, name));
}

/* A short text record, NULL and no error when it is absent. Printable, so that it can stand in a message. */
static bool read_text(eg_torch_archive *a, const char *name, const char **text)
{
    const eg_zip_entry *entry = eg_torch_archive_find(a, name);
    *text = NULL;
    if (!entry) return true;
    bool verify = !a->file->options.no_verify;
    const uint8_t *bytes = eg_zip_read(&a->zip, &a->file->arena, entry, MAX_TEXT, verify, a->err);
    if (!bytes) return false;
    size_t n = entry->full;
    while (n && (bytes[n - 1] == '\n' || bytes[n - 1] == '\r')) n--;
    *text = eg_printable(&a->file->arena, (const char *)bytes, n);
    return true;
}

static bool check_version(eg_torch_archive *a)
{
    const char *text;
    if (!read_text(a, ".data/version", &text) || (!text && !read_text(a, "version", &text))) return false;
    unsigned value = 0;
    size_t n = text ? strlen(text) : 0;
    for (size_t i = 0; i < n && n <= 2; i++)
        value = text[i] >= '0' && text[i] <= '9' ? value * 10 + (unsigned)(text[i] - '0') : 999;
    if (n >= 1 && n <= 2 && value >= 1 && value <= 10) return true;
    return eg_fail_id(a->err, EG_MALFORMED, "ZIP-013",
                      "record 'version' holds '%s'; expected a number from 1 to 10", text ? text : "");
}

/* Files without the record are little-endian (torch's own default since 2.1). */
static bool read_byteorder(eg_torch_archive *a)
{
    const char *text;
    if (!read_text(a, "byteorder", &text)) return false;
    a->big_endian = text && strcmp(text, "big") == 0;
    if (!text || a->big_endian || strcmp(text, "little") == 0) return true;
    return eg_fail_id(a->err, EG_MALFORMED, "ZIP-014",
                      "record 'byteorder' holds '%s'; expected little or big", text);
}

const eg_pickle *eg_torch_archive_pickle(eg_torch_archive *a, const char *name)
{
    const eg_zip_entry *entry = eg_torch_archive_find(a, name);
    eg_arena *arena = &a->file->arena;
    if (!entry) {
        eg_buf names = {0};
        for (size_t i = 0; i < a->zip.count && i < 5; i++)
            eg_buf_printf(&names, "%s%s", i ? ", " : "", a->zip.entries[i].name);
        if (a->zip.count > 5) eg_buf_puts(&names, ", …");
        eg_fail_id(a->err, EG_MALFORMED, "ZIP-015", "no %s in the archive (found: %s)", name,
                   eg_buf_take(&names, arena));
        return NULL;
    }
    const eg_checkpoint_options *options = &a->file->options;
    uint64_t most = options->max_pickle ? options->max_pickle : MAX_PICKLE;
    const uint8_t *bytes = eg_zip_read(&a->zip, arena, entry, most, !options->no_verify, a->err);
    return bytes ? eg_pickle_parse(arena, bytes, entry->full, NULL, a->err) : NULL;
}

/* ---- storages ---- */

bool eg_torch_archive_attach(eg_torch_archive *a, const eg_zip_entry *entry, size_t item, eg_storage *out)
{
    eg_arena *arena = &a->file->arena;
    out->big_endian = a->big_endian;
    if (!entry && out->size == 0) return true;
    if (!entry)
        return eg_fail_id(a->err, EG_MALFORMED, "TEN-007", "storage '%s' is referenced but missing",
                          out->key);
    if (entry->full < out->size || entry->full - out->size >= item)
        return eg_fail_id(a->err, EG_MALFORMED, "TEN-005",
                          "storage '%s' holds %llu bytes, the pickle declares %llu", out->key,
                          (unsigned long long)entry->full, (unsigned long long)out->size);
    if (entry->full > out->size)
        eg_checkpoint_warn(arena, &a->file->checkpoint,
                           "storage '%s' holds %llu bytes more than the pickle declares", out->key,
                           (unsigned long long)(entry->full - out->size));
    eg_zip_record_attach(a->file, &a->zip, entry, 0, out);
    return true;
}

bool eg_torch_archive_attach_all(eg_torch_archive *a, const eg_torch *torch, const char *folder)
{
    eg_arena *arena = &a->file->arena;
    for (size_t i = 0; i < torch->count; i++) {
        eg_torch_storage *storage = &torch->storages[i];
        size_t item = storage->class->dtype == EG_DTYPE_COUNT ? 1 : eg_dtype_size(storage->class->dtype);
        const char *name = eg_arena_printf(arena, "%s/%s", folder, storage->key);
        const eg_zip_entry *entry = eg_torch_archive_find(a, name);
        if (!entry && strchr(storage->key, '/')) entry = eg_torch_archive_find(a, storage->key);
        storage->bytes->big_endian = a->big_endian;
        if (storage->meta) continue;
        if (!eg_torch_archive_attach(a, entry, item, storage->bytes)) return false;
    }
    return true;
}

bool eg_torch_archive_text(eg_torch_archive *a, const char *name, uint64_t limit, const char **text,
                           size_t *length)
{
    const eg_zip_entry *entry = eg_torch_archive_find(a, name);
    eg_arena *arena = &a->file->arena;
    *text = NULL;
    *length = 0;
    if (!entry) return true;
    const uint8_t *bytes = eg_zip_read(&a->zip, arena, entry, limit, !a->file->options.no_verify, a->err);
    if (!bytes) return false;
    *text = eg_arena_substring(arena, (const char *)bytes, entry->full);
    *length = entry->full;
    return true;
}

eg_torch_archive *eg_torch_archive_open(eg_checkpoint_file *file, eg_error *err)
{
    eg_torch_archive *a = EG_NEW(&file->arena, eg_torch_archive); /* lazy records refer to it */
    *a = (eg_torch_archive){.file = file, .err = err};
    if (!eg_zip_open(&a->zip, &file->arena, file->mapping.bytes, file->mapping.size, err)) return NULL;
    return find_folder(a) ? a : NULL;
}

bool eg_torch_archive_check(eg_torch_archive *a)
{
    return check_version(a) && read_byteorder(a);
}
