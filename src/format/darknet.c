#include "format/darknet.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "format/cursor.h"
#include "format/darknet_cfg.h"
#include "format/state_dict.h"

enum { MAX_CFG = 1 << 20, MAX_VERSION = 10000, TRANSPOSED = 1000, MOST_TENSORS = 5 /* of a layer */ };

static const char extension[] = ".weights";

typedef struct reader {
    eg_checkpoint_file *file;
    eg_arena *arena;
    const char *cfg; /* path */
    eg_cursor in;
    bool transposed;
    eg_entry *entries;
    size_t count;
    eg_error *err;
} reader;

bool eg_darknet_is(const eg_checkpoint_file *file)
{
    const eg_mapping *m = &file->mapping;
    eg_cursor in = eg_cursor_over(m->bytes, m->size);
    uint32_t major = eg_cursor_u32(&in), minor = eg_cursor_u32(&in), revision = eg_cursor_u32(&in);
    return eg_ends_with(file->checkpoint.path, extension) && !in.failed && major < MAX_VERSION &&
           minor < MAX_VERSION && revision < MAX_VERSION;
}

/* ---- tensors ---- */

/* One after the other in the file; their order in the store is PyTorch's. */
typedef struct part {
    const char *name; /* below the layer's */
    uint64_t numel, at;
} part;

/* Bytes of n numbers from here on; false when the file has fewer. */
static bool take(reader *r, size_t layer, uint64_t n, part *out)
{
    uint64_t size;
    out->at = r->in.at;
    out->numel = n;
    if (!__builtin_mul_overflow(n, sizeof(float), &size) && eg_cursor_take(&r->in, size)) return true;
    return eg_fail_id(r->err, EG_MALFORMED, "DKN-002",
                      "layer %zu of '%s' needs %" PRIu64 " numbers and %" PRIu64
                      " bytes remain: the .cfg is another network's, or the file is cut off",
                      layer, eg_path_name(r->cfg), n, eg_cursor_left(&r->in));
}

static void add(reader *r, size_t layer, const char *name, const part *p, eg_shape shape,
                const int64_t *strides)
{
    eg_storage *storage = EG_NEW(r->arena, eg_storage);
    const char *full = eg_arena_printf(r->arena, "layers.%zu.%s", layer, name);
    *storage = (eg_storage){.key = full,
                            .bytes = r->in.bytes + p->at,
                            .size = p->numel * sizeof(float),
                            .fd = r->file->mapping.fd,
                            .file_offset = p->at};
    r->entries[r->count++] =
        (eg_entry){.name = full, .dtype = EG_F32, .shape = shape, .strides = strides, .storage = storage};
}

/* The filters innermost: (n, c, k, k) as the transpose of (c k k, n). */
static const int64_t *transpose(eg_arena *arena, eg_shape shape)
{
    int64_t *strides = EG_NEW_ARRAY(arena, int64_t, shape.rank), step = shape.dims[0];
    strides[0] = 1;
    for (uint32_t i = shape.rank; i-- > 1;) {
        strides[i] = step;
        step *= shape.dims[i];
    }
    return strides;
}

static bool count_weights(reader *r, size_t layer, eg_shape shape, uint64_t *numel)
{
    return eg_shape_numel(shape, numel) ||
           eg_fail_id(r->err, EG_MALFORMED, "TEN-004", "tensor 'layers.%zu': size overflows 64 bits", layer);
}

/* Biases, statistics and weights in the order of the file, then as PyTorch lists them. */
static bool read_layer(reader *r, size_t number, const eg_darknet_layer *l)
{
    bool conv = l->kind == EG_DARKNET_CONV, bn = l->batch_norm;
    const int64_t dims[] = {l->outputs, l->inputs, l->size, l->size};
    eg_shape shape = eg_shape_copy(r->arena, dims, conv ? 4 : 2), each = eg_shape_copy(r->arena, dims, 1);
    uint64_t n = (uint64_t)l->outputs, numel;
    part bias, scale = {0}, mean = {0}, variance = {0}, weight;
    bool ok =
        count_weights(r, number, shape, &numel) && take(r, number, n, &bias) &&
        (conv || take(r, number, numel, &weight)) &&
        (!bn || (take(r, number, n, &scale) && take(r, number, n, &mean) && take(r, number, n, &variance))) &&
        (!conv || take(r, number, numel, &weight));
    if (!ok) return false;
    bool turned = conv ? l->flipped : r->transposed;
    add(r, number, conv ? "conv.weight" : "linear.weight", &weight, shape,
        turned ? transpose(r->arena, shape) : NULL);
    if (!bn) {
        add(r, number, conv ? "conv.bias" : "linear.bias", &bias, each, NULL);
        return true;
    }
    add(r, number, "bn.weight", &scale, each, NULL);
    add(r, number, "bn.bias", &bias, each, NULL);
    add(r, number, "bn.running_mean", &mean, each, NULL);
    add(r, number, "bn.running_var", &variance, each, NULL);
    return true;
}

static bool read_layers(reader *r, const eg_darknet_cfg *cfg)
{
    for (size_t i = 0; i < cfg->count; i++) {
        if (cfg->layers[i].kind == EG_DARKNET_PLAIN) continue;
        if (r->count && eg_cursor_left(&r->in) == 0) {
            eg_checkpoint_warn(r->arena, &r->file->checkpoint,
                               "the file ends before layer %zu of '%s': these are the first layers alone", i,
                               eg_path_name(r->cfg));
            return true;
        }
        if (!read_layer(r, i, &cfg->layers[i])) return false;
    }
    if (eg_cursor_left(&r->in))
        return eg_fail_id(r->err, EG_MALFORMED, "DKN-002",
                          "%" PRIu64
                          " bytes remain behind the last layer of '%s': the .cfg is another network's",
                          eg_cursor_left(&r->in), eg_path_name(r->cfg));
    if (r->count) return true;
    return eg_fail_id(r->err, EG_MALFORMED, "SEL-002", "no tensors found (top-level keys: %s)",
                      "a .cfg without convolutional or connected layers");
}

/* ---- header ---- */

static bool read_header(reader *r)
{
    uint32_t major = eg_cursor_u32(&r->in), minor = eg_cursor_u32(&r->in), revision = eg_cursor_u32(&r->in);
    r->transposed = major > TRANSPOSED || minor > TRANSPOSED;
    bool wide = major * 10 + minor >= 2 && !r->transposed;
    uint64_t seen = wide ? eg_cursor_u64(&r->in) : eg_cursor_u32(&r->in);
    if (r->in.failed)
        return eg_fail_id(r->err, EG_MALFORMED, "DKN-002",
                          "the file is cut off in its header, after %" PRIu64 " bytes", r->in.size);
    eg_checkpoint_value *values = EG_NEW_ARRAY(r->arena, eg_checkpoint_value, 2);
    values[0] = (eg_checkpoint_value){
        "version", "str",
        eg_arena_printf(r->arena, "%" PRIu32 ".%" PRIu32 ".%" PRIu32, major, minor, revision)};
    values[1] = (eg_checkpoint_value){"seen", "int", eg_arena_printf(r->arena, "%" PRIu64, seen)};
    r->file->checkpoint.values = values;
    r->file->checkpoint.value_count = 2;
    return true;
}

static bool read_cfg(reader *r, eg_darknet_cfg *cfg)
{
    const char *path = r->file->checkpoint.path;
    size_t length = strlen(path) - (sizeof extension - 1);
    r->cfg = eg_arena_printf(r->arena, "%.*s.cfg", (int)length, path);
    if (!eg_path_exists(r->cfg))
        return eg_fail_id(r->err, EG_MALFORMED, "DKN-001",
                          "Darknet weights have no names: put the network's description beside them, as '%s'",
                          eg_path_name(r->cfg));
    const char *text = eg_file_read(r->arena, r->cfg, MAX_CFG, NULL, r->err);
    return text && eg_darknet_cfg_parse(cfg, r->arena, r->cfg, text, r->err);
}

bool eg_darknet_read(eg_checkpoint_file *file, eg_error *err)
{
    reader r = {.file = file, .arena = &file->arena, .err = err};
    eg_darknet_cfg cfg = {0};
    file->checkpoint.format = "darknet";
    r.in = eg_cursor_over(file->mapping.bytes, file->mapping.size);
    if (!read_header(&r) || !read_cfg(&r, &cfg)) return false;
    r.entries = EG_NEW_ARRAY(r.arena, eg_entry, cfg.count * MOST_TENSORS);
    if (!read_layers(&r, &cfg)) return false;
    file->checkpoint.store = (eg_store){.entries = r.entries, .count = r.count};
    eg_store_index(&file->checkpoint.store, r.arena);
    return true;
}
