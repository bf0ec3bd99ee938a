#include "format/zip_record.h"

#include "base/crc32.h"
#include "base/memory.h"

typedef struct lazy_record {
    eg_checkpoint_file *file;
    eg_zip *zip;
    const eg_zip_entry *entry;
    uint64_t header;
    void *block; /* deflated records only */
} lazy_record;

static void free_record(void *object)
{
    lazy_record *record = object;
    eg_block_free(record->block, record->entry->full);
}

static bool inflate_record(lazy_record *r, eg_storage *storage, bool verify, eg_error *err)
{
    if (!r->block) r->block = eg_block_new(r->entry->full, storage->key, err);
    if (!r->block || !eg_zip_inflate(r->zip, r->entry, r->block, verify, err)) return false;
    storage->bytes = (const uint8_t *)r->block + r->header;
    return true;
}

static bool load_record(eg_storage *storage, eg_error *err)
{
    lazy_record *r = storage->context;
    bool verify = !r->file->options.no_verify;
    bool ok = r->entry->method == 0 ? !verify || eg_zip_verify(r->zip, r->entry, err)
                                    : inflate_record(r, storage, verify, err);
    if (!ok) return eg_error_in(err, r->file->checkpoint.path);
    storage->load = NULL;
    return true;
}

/* What precedes the storage in the record counts, too. */
static bool check_record(const eg_storage *storage, uint32_t crc, eg_error *err)
{
    const lazy_record *r = storage->context;
    uint32_t header = eg_crc32(0, r->zip->bytes + r->entry->data, r->header);
    return r->file->options.no_verify ||
           eg_zip_check(r->entry, eg_crc32_join(header, crc, storage->size), err) ||
           eg_error_in(err, r->file->checkpoint.path);
}

static void unload_record(eg_storage *storage)
{
    lazy_record *r = storage->context;
    eg_block_free(r->block, r->entry->full);
    r->block = NULL;
    storage->bytes = NULL;
    storage->load = load_record;
}

void eg_zip_record_attach(eg_checkpoint_file *file, eg_zip *zip, const eg_zip_entry *entry, uint64_t header,
                          eg_storage *storage)
{
    lazy_record *record = EG_NEW(&file->arena, lazy_record);
    *record = (lazy_record){file, zip, entry, header, NULL};
    eg_arena_defer(&file->arena, free_record, record);
    storage->load = load_record;
    storage->context = record;
    if (entry->method != 0) {
        storage->unload = unload_record;
        return;
    }
    storage->file_offset = entry->data + header;
    storage->bytes = zip->bytes + storage->file_offset;
    storage->fd = file->mapping.fd;
    storage->check = header + storage->size == entry->full ? check_record : NULL;
}
