#include "format/torch_zip.h"

#include <string.h>

#include "base/memory.h"
#include "base/str.h"
#include "format/state_dict.h"
#include "format/torch_legacy.h"
#include "format/torch_tensor.h"

enum { MAX_PICKLE = 256 << 20, MAX_TEXT = 64, MAX_CARD = 64 << 20 };

typedef struct archive {
    eg_checkpoint_file *file;
    eg_zip zip;
    const char *folder;
    bool big_endian;
    eg_error *err;
} archive;

/* Every entry must lie in the folder that the first one names (torch's getAllRecords demands it). */
static bool find_folder(archive *a)
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

static const eg_zip_entry *find_record(archive *a, const char *name)
{
    return eg_zip_find(&a->zip, eg_arena_printf(&a->file->arena, "%s/%s", a->folder, name));
}

/* A short text record, NULL and no error when it is absent. Printable, so that it can stand in a message. */
static bool read_text(archive *a, const char *name, const char **text)
{
    const eg_zip_entry *entry = find_record(a, name);
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

static bool check_version(archive *a)
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
static bool read_byteorder(archive *a)
{
    const char *text;
    if (!read_text(a, "byteorder", &text)) return false;
    a->big_endian = text && strcmp(text, "big") == 0;
    if (!text || a->big_endian || strcmp(text, "little") == 0) return true;
    return eg_fail_id(a->err, EG_MALFORMED, "ZIP-014",
                      "record 'byteorder' holds '%s'; expected little or big", text);
}

static const eg_pickle *read_pickle(archive *a)
{
    const eg_zip_entry *entry = find_record(a, "data.pkl");
    eg_arena *arena = &a->file->arena;
    if (!entry) {
        eg_buf names = {0};
        for (size_t i = 0; i < a->zip.count && i < 5; i++)
            eg_buf_printf(&names, "%s%s", i ? ", " : "", a->zip.entries[i].name);
        if (a->zip.count > 5) eg_buf_puts(&names, ", …");
        eg_fail_id(a->err, EG_MALFORMED, "ZIP-015", "no data.pkl in the archive (found: %s)",
                   eg_buf_take(&names, arena));
        return NULL;
    }
    const uint8_t *bytes =
        eg_zip_read(&a->zip, arena, entry, MAX_PICKLE, !a->file->options.no_verify, a->err);
    return bytes ? eg_pickle_parse(arena, bytes, entry->full, NULL, a->err) : NULL;
}

/* ---- storages ---- */

/* A record that is checked, or inflated, when its storage is first used. */
typedef struct lazy_record {
    archive *archive;
    const eg_zip_entry *entry;
    void *block; /* deflated records only */
} lazy_record;

static void free_record(void *object)
{
    lazy_record *record = object;
    eg_block_free(record->block, record->entry->full);
}

static bool load_record(eg_storage *storage, eg_error *err)
{
    lazy_record *record = storage->context;
    eg_zip *zip = &record->archive->zip;
    bool verify = !record->archive->file->options.no_verify, ok = true;
    const char *path = record->archive->file->checkpoint.path;
    if (record->entry->method == 0) {
        ok = !verify || eg_zip_verify(zip, record->entry, err);
    } else {
        if (!record->block) record->block = eg_block_new(record->entry->full, storage->key, err);
        ok = record->block && eg_zip_inflate(zip, record->entry, record->block, verify, err);
        storage->bytes = ok ? record->block : NULL;
    }
    if (!ok) return eg_error_in(err, path);
    storage->load = NULL;
    return true;
}

static bool attach_storage(archive *a, eg_torch_storage *storage)
{
    eg_arena *arena = &a->file->arena;
    eg_storage *out = storage->bytes;
    const eg_zip_entry *entry = find_record(a, eg_arena_printf(arena, "data/%s", storage->key));
    out->big_endian = a->big_endian;
    if (storage->meta) return true;
    if (!entry && out->size == 0) return true;
    if (!entry)
        return eg_fail_id(a->err, EG_MALFORMED, "TEN-007", "storage '%s' is referenced but missing",
                          storage->key);
    size_t item = storage->class->dtype == EG_DTYPE_COUNT ? 1 : eg_dtype_size(storage->class->dtype);
    if (entry->full < out->size || entry->full - out->size >= item)
        return eg_fail_id(a->err, EG_MALFORMED, "TEN-005",
                          "storage '%s' holds %llu bytes, the pickle declares %llu", storage->key,
                          (unsigned long long)entry->full, (unsigned long long)out->size);
    if (entry->full > out->size)
        eg_checkpoint_warn(arena, &a->file->checkpoint,
                           "storage '%s' holds %llu bytes more than the pickle declares", storage->key,
                           (unsigned long long)(entry->full - out->size));
    lazy_record *record = EG_NEW(arena, lazy_record);
    *record = (lazy_record){a, entry, NULL};
    eg_arena_defer(arena, free_record, record);
    out->load = load_record;
    out->context = record;
    if (entry->method == 0) {
        out->bytes = a->zip.bytes + entry->data;
        out->fd = a->file->mapping.fd;
        out->file_offset = entry->data;
    }
    return true;
}

static bool read_card(archive *a)
{
    const eg_zip_entry *entry = find_record(a, EG_CARD_RECORD);
    eg_arena *arena = &a->file->arena;
    if (!entry) return true;
    const uint8_t *bytes = eg_zip_read(&a->zip, arena, entry, MAX_CARD, !a->file->options.no_verify, a->err);
    if (bytes) a->file->checkpoint.card = eg_arena_substring(arena, (const char *)bytes, entry->full);
    return bytes != NULL;
}

bool eg_torch_zip_read(eg_checkpoint_file *file, eg_error *err)
{
    eg_arena *arena = &file->arena;
    archive *a = EG_NEW(arena, archive); /* lazy records refer to it */
    *a = (archive){.file = file, .err = err};
    file->checkpoint.format = "torch-zip";
    if (!eg_zip_open(&a->zip, arena, file->mapping.bytes, file->mapping.size, err) || !find_folder(a))
        return false;
    const eg_pickle *pickle = read_pickle(a);
    if (!pickle || !check_version(a) || !read_byteorder(a)) return false;
    eg_torch torch = {.arena = arena, .pickle = pickle, .nested = eg_torch_legacy_nested};
    if (!eg_state_dict_references(pickle, &file->options, arena, &file->checkpoint, err)) return false;
    if (!eg_torch_collect(&torch, err)) return false;
    for (size_t i = 0; i < torch.count; i++)
        if (!attach_storage(a, &torch.storages[i])) return false;
    bool ok = eg_state_dict_extract(&torch, &file->options, &file->checkpoint, err) && read_card(a);
    a->err = NULL; /* the caller's error does not outlive this call */
    return ok;
}
