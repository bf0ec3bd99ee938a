#include "format/torch_layout.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/str.h"
#include "format/pickle_writer.h"
#include "format/torch_global.h"

enum { MAX_NAME = 65535 };

typedef struct order {
    eg_torch_placed *item;
} order;

static bool cannot(eg_error *err, const char *what, const char *name)
{
    eg_fail_id(err, EG_MALFORMED, "WR-001", "%s cannot represent %s '%s'", "a torch file", what, name);
    return false;
}

static bool check_entry(eg_arena *arena, const eg_entry *entry, eg_map *names, eg_error *err)
{
    size_t length = strlen(entry->name);
    if (length > MAX_NAME || !eg_is_utf8(entry->name, length))
        return cannot(err, "the name", eg_printable(arena, entry->name, length < 80 ? length : 80));
    if (!eg_map_add(names, entry->name, 1)) return cannot(err, "two tensors with the name", entry->name);
    if (entry->dtype == EG_QI8 || entry->dtype == EG_QU8 || entry->dtype == EG_QI32)
        return cannot(err, "the quantized tensor", entry->name);
    return true;
}

/* ---- sharing ---- */

static uint64_t byte_size(const eg_torch_placed *p)
{
    return p->numel * eg_dtype_size(p->entry->dtype);
}

static int compare_dims(const int64_t *a, const int64_t *b, uint32_t rank)
{
    for (uint32_t i = 0; i < rank; i++)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}

/* Contiguous views first, then strided ones, equal ones side by side. */
static int by_view(const eg_entry *a, const eg_entry *b)
{
    if (!a->strides || !b->strides) return (a->strides != NULL) - (b->strides != NULL);
    if (a->shape.rank != b->shape.rank) return a->shape.rank < b->shape.rank ? -1 : 1;
    int dims = compare_dims(a->shape.dims, b->shape.dims, a->shape.rank);
    return dims ? dims : compare_dims(a->strides, b->strides, a->shape.rank);
}

/* Groups entries of one storage and type, larger ones first where they start together, then as in the store.
 */
static int by_place(const void *a, const void *b)
{
    const eg_torch_placed *x = ((const order *)a)->item, *y = ((const order *)b)->item;
    uintptr_t s = (uintptr_t)x->entry->storage, t = (uintptr_t)y->entry->storage;
    if (s != t) return s < t ? -1 : 1;
    if (x->entry->dtype != y->entry->dtype) return x->entry->dtype < y->entry->dtype ? -1 : 1;
    if (x->entry->offset != y->entry->offset) return x->entry->offset < y->entry->offset ? -1 : 1;
    if (x->numel != y->numel) return x->numel > y->numel ? -1 : 1;
    int views = by_view(x->entry, y->entry);
    return views ? views : x->position < y->position ? -1 : 1;
}

static bool same_view(const eg_entry *a, const eg_entry *b)
{
    return a->offset == b->offset && eg_shape_equal(a->shape, b->shape) && by_view(a, b) == 0;
}

/* Contiguous entries inside `host` (the widest before it, or the same view) become windows of it. */
static bool shares(const eg_torch_placed *p, const eg_torch_placed *host)
{
    const eg_entry *a = p->entry, *b = host->entry;
    if (a->storage != b->storage || a->dtype != b->dtype || p->numel == 0) return false;
    if (same_view(a, b)) return true;
    if (a->strides || b->strides || (a->offset - b->offset) % eg_dtype_size(a->dtype)) return false;
    return a->offset >= b->offset && a->offset + byte_size(p) <= b->offset + byte_size(host);
}

static void find_hosts(eg_torch_layout *l)
{
    order *sorted = eg_malloc(eg_size_product(l->count, sizeof *sorted));
    for (size_t i = 0; i < l->count; i++) sorted[i].item = &l->items[i];
    if (l->count) qsort(sorted, l->count, sizeof *sorted, by_place);
    const eg_torch_placed *hosts[2] = {NULL,
                                       NULL}; /* the widest contiguous one so far, the last strided one */
    for (size_t i = 0; i < l->count; i++) {
        eg_torch_placed *p = sorted[i].item;
        const eg_torch_placed **host = &hosts[p->entry->strides != NULL];
        if (*host && shares(p, *host)) {
            p->host = (*host)->entry;
            p->offset = (p->entry->offset - (*host)->entry->offset) / eg_dtype_size(p->entry->dtype);
        } else {
            p->host = p->entry;
            *host = p;
        }
    }
    free(sorted);
}

bool eg_torch_layout_plan(eg_arena *arena, const eg_store *store, eg_torch_layout *l, eg_error *err)
{
    eg_map *names = eg_map_new(arena);
    *l = (eg_torch_layout){.legacy = l->legacy,
                           .items = EG_NEW_ARRAY(arena, eg_torch_placed, store->count),
                           .count = store->count};
    l->records = EG_NEW_ARRAY(arena, const eg_torch_placed *, store->count);
    for (size_t i = 0; i < l->count; i++) {
        const eg_entry *entry = &store->entries[i];
        l->items[i] = (eg_torch_placed){.entry = entry, .position = i, .record = SIZE_MAX};
        if (!check_entry(arena, entry, names, err)) return false;
        if (!eg_shape_numel(entry->shape, &l->items[i].numel)) return cannot(err, "the size of", entry->name);
    }
    find_hosts(l);
    for (size_t i = 0; i < l->count; i++) {
        eg_torch_placed *host = &l->items[l->items[i].host - store->entries];
        if (host->record == SIZE_MAX) {
            host->record = l->record_count;
            l->records[l->record_count++] = host;
        }
        l->items[i].record = host->record;
    }
    return true;
}

/* ---- the pickle ---- */

const char *eg_torch_layout_key(eg_arena *arena, const eg_torch_layout *layout, size_t record)
{
    int width = 1;
    for (size_t most = layout->record_count; layout->legacy && most > 10; most = (most + 9) / 10) width++;
    return eg_arena_printf(arena, "%0*zu", width, record);
}

static void write_empty_ordered_dict(eg_pickle_writer *w)
{
    eg_pickle_write_global(w, "collections", "OrderedDict");
    eg_pickle_write_op(w, ')');
    eg_pickle_write_op(w, 'R');
    eg_pickle_write_put(w);
}

/* ('storage', class, key, 'cpu', numel[, None]), as a persistent id. */
static void write_storage(eg_pickle_writer *w, const eg_torch_layout *l, const eg_torch_placed *p)
{
    uint64_t host_numel = l->records[p->record]->numel;
    const char *class = eg_storage_class_of(p->entry->dtype);
    eg_pickle_write_op(w, '(');
    eg_pickle_write_shared(w, "storage");
    eg_pickle_write_global(w, class ? "torch" : "torch.storage", class ? class : "UntypedStorage");
    eg_pickle_write_shared(w, eg_torch_layout_key(w->arena, l, p->record));
    eg_pickle_write_shared(w, "cpu");
    eg_pickle_write_int(w, (int64_t)(class ? host_numel : host_numel * eg_dtype_size(p->entry->dtype)));
    if (l->legacy) eg_pickle_write_op(w, 'N'); /* no view */
    eg_pickle_write_op(w, 't');
    eg_pickle_write_put(w);
    eg_pickle_write_op(w, 'Q');
}

/* Row-major strides as torch counts them: a size of 0 counts as 1. */
static void write_strides(eg_pickle_writer *w, eg_shape shape)
{
    int64_t strides[64], next = 1;
    for (uint32_t i = shape.rank; i-- > 0;) {
        strides[i] = next;
        next *= shape.dims[i] > 1 ? shape.dims[i] : 1;
    }
    eg_pickle_write_ints(w, strides, shape.rank);
}

static void write_tensor(eg_pickle_writer *w, const eg_torch_layout *l, const eg_torch_placed *p)
{
    bool typed = eg_storage_class_of(p->entry->dtype) != NULL;
    eg_pickle_write_global(w, "torch._utils", typed ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3");
    eg_pickle_write_op(w, '(');
    write_storage(w, l, p);
    eg_pickle_write_int(w, (int64_t)p->offset);
    eg_pickle_write_ints(w, p->entry->shape.dims, p->entry->shape.rank);
    write_strides(w, p->entry->shape);
    eg_pickle_write_op(w, '\x89'); /* requires_grad */
    write_empty_ordered_dict(w);   /* hooks */
    if (!typed) eg_pickle_write_global(w, "torch", eg_torch_dtype_name(p->entry->dtype));
    eg_pickle_write_op(w, 't');
    eg_pickle_write_put(w);
    eg_pickle_write_op(w, 'R');
    eg_pickle_write_put(w);
}

/* BUILD {'_metadata': OrderedDict(path -> {'version': n})}. */
static void write_versions(eg_pickle_writer *w, const eg_module_version *versions, size_t count)
{
    eg_pickle_write_op(w, '}');
    eg_pickle_write_put(w);
    eg_pickle_write_text(w, "_metadata");
    write_empty_ordered_dict(w);
    for (size_t i = 0; i < count; i++) {
        eg_pickle_write_pair_begin(w, i, count);
        eg_pickle_write_text(w, versions[i].path);
        eg_pickle_write_op(w, '}');
        eg_pickle_write_put(w);
        eg_pickle_write_shared(w, "version");
        eg_pickle_write_int(w, versions[i].version);
        eg_pickle_write_op(w, 's');
        eg_pickle_write_pair_end(w, i, count);
    }
    eg_pickle_write_op(w, 's');
    eg_pickle_write_op(w, 'b');
}

const char *eg_torch_layout_pickle(eg_arena *arena, const eg_torch_layout *l,
                                   const eg_checkpoint_extra *extra, size_t *length)
{
    eg_pickle_writer w;
    eg_pickle_writer_init(&w, arena);
    write_empty_ordered_dict(&w);
    for (size_t i = 0; i < l->count; i++) {
        const eg_torch_placed *p = &l->items[i];
        eg_pickle_write_pair_begin(&w, i, l->count);
        eg_pickle_write_text(&w, p->entry->name);
        write_tensor(&w, l, p);
        eg_pickle_write_pair_end(&w, i, l->count);
    }
    if (extra && extra->version_count) write_versions(&w, extra->versions, extra->version_count);
    eg_pickle_write_op(&w, '.');
    *length = w.out.length;
    return eg_buf_take(&w.out, arena);
}
