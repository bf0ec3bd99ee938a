#include "format/torch_legacy_writer.h"

#include <string.h>

#include "format/payload.h"
#include "format/pickle_writer.h"
#include "format/torch_global.h"
#include "format/torch_layout.h"

enum { BATCH = 1000 };

/* The magic number, the protocol's version, and {'protocol_version': 1001, 'little_endian': True,
 * 'type_sizes':
 * {'short': 2, 'int': 4, 'long': 4}}. */
static const char *prologue(eg_arena *arena, size_t *length)
{
    static const char head[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.";
    static const struct {
        const char *name;
        int size;
    } types[] = {{"short", 2}, {"int", 4}, {"long", 4}};
    eg_pickle_writer w;
    eg_pickle_writer_init(&w, arena);
    eg_buf text = {0};
    eg_buf_add(&text, head, sizeof head - 1);
    eg_pickle_write_op(&w, '}');
    eg_pickle_write_put(&w);
    eg_pickle_write_op(&w, '(');
    eg_pickle_write_text(&w, "protocol_version");
    eg_pickle_write_int(&w, 1001);
    eg_pickle_write_text(&w, "little_endian");
    eg_pickle_write_op(&w, '\x88');
    eg_pickle_write_text(&w, "type_sizes");
    eg_pickle_write_op(&w, '}');
    eg_pickle_write_put(&w);
    eg_pickle_write_op(&w, '(');
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        eg_pickle_write_text(&w, types[i].name);
        eg_pickle_write_int(&w, types[i].size);
    }
    eg_buf_add(&w.out, "uu.", 3);
    eg_buf_add(&text, w.out.data, w.out.length);
    eg_buf_clear(&w.out);
    *length = text.length;
    return eg_buf_take(&text, arena);
}

/* The list of keys: items in batches of 1000, one alone by APPEND, as Python's. */
static const char *key_list(eg_arena *arena, const eg_torch_layout *l, size_t *length)
{
    eg_pickle_writer w;
    eg_pickle_writer_init(&w, arena);
    eg_pickle_write_op(&w, ']');
    eg_pickle_write_put(&w);
    for (size_t i = 0; i < l->record_count; i++) {
        bool last = i + 1 == l->record_count || (i + 1) % BATCH == 0;
        if (l->record_count > 1 && i % BATCH == 0) eg_pickle_write_op(&w, '(');
        eg_pickle_write_text(&w, eg_torch_layout_key(arena, l, i));
        if (last) eg_pickle_write_op(&w, l->record_count > 1 ? 'e' : 'a');
    }
    eg_pickle_write_op(&w, '.');
    *length = w.out.length;
    return eg_buf_take(&w.out, arena);
}

/* i64le number of elements (bytes where torch has no storage class for the type), then room for them. */
static bool place_storage(eg_output *output, const eg_torch_placed *host, eg_payload *payload, eg_error *err)
{
    uint8_t count[8];
    eg_dtype dtype = host->entry->dtype;
    uint64_t numel = host->numel * (eg_storage_class_of(dtype) ? 1 : eg_dtype_size(dtype));
    for (int i = 0; i < 8; i++) count[i] = (uint8_t)(numel >> 8 * i);
    return eg_output_write(output, count, sizeof count, err) &&
           eg_payload_place(payload, host->entry, output, err);
}

static bool write_stream(eg_arena *arena, eg_output *output, const eg_torch_layout *l,
                         const eg_checkpoint_extra *extra, eg_error *err)
{
    size_t head, object, keys;
    const char *text = prologue(arena, &head);
    if (!eg_output_write(output, text, head, err)) return false;
    text = eg_torch_layout_pickle(arena, l, extra, &object);
    if (!eg_output_write(output, text, object, err)) return false;
    text = key_list(arena, l, &keys);
    if (!eg_output_write(output, text, keys, err)) return false;
    eg_payload *payloads = EG_NEW_ARRAY(arena, eg_payload, l->record_count);
    for (size_t i = 0; i < l->record_count; i++)
        if (!place_storage(output, l->records[i], &payloads[i], err)) return false;
    return eg_payloads_write(output, payloads, l->record_count, extra, err);
}

bool eg_torch_legacy_write(const char *path, const eg_store *store, const eg_checkpoint_extra *extra,
                           eg_error *err)
{
    eg_arena arena = {0};
    eg_torch_layout l = {.legacy = true};
    eg_output *output = eg_output_open(path, err);
    bool ok = output && eg_torch_layout_plan(&arena, store, &l, err) &&
              write_stream(&arena, output, &l, extra, err);
    eg_arena_clear(&arena);
    if (ok) return eg_output_commit(output, err);
    eg_output_abandon(output);
    return eg_error_in(err, path);
}
