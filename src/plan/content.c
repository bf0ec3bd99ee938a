#include "plan/content.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "base/sha256.h"

enum { PIECE = 1 << 18 /* elements */, MOST_DIMS = 64, HEAD = 16, ELEMENT = 16 /* bytes, at most */ };

/* What goes through the elements of a tensor. */
typedef struct reader {
    eg_dtype dtype;
    uint8_t *block; /* PIECE elements */
    eg_sha256 *sha; /* NULL: none */
    uint64_t bag;
} reader;

bool eg_content_casts(eg_dtype dtype)
{
    return dtype == EG_F16 || dtype == EG_BF16 || dtype == EG_F64;
}

/* splitmix64's last step. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Over elements that are one number each. */
#define SUM_ELEMENTS(type)                                                                                   \
    for (uint64_t i = 0; i < count; i++) sum += mix(((const type *)bytes)[i] + GOLDEN)

static uint64_t sum_elements(const uint8_t *bytes, size_t width, uint64_t count)
{
    const uint64_t GOLDEN = 0x9e3779b97f4a7c15u;
    uint64_t sum = 0;
    switch (width) {
    case 1: SUM_ELEMENTS(uint8_t); break;
    case 2: SUM_ELEMENTS(uint16_t); break;
    case 4: SUM_ELEMENTS(uint32_t); break;
    case 8: SUM_ELEMENTS(uint64_t); break;
    default: /* complex numbers: both halves */
        for (uint64_t i = 0; i < count; i++) {
            uint64_t half[2];
            memcpy(half, bytes + i * width, sizeof half);
            sum += mix(half[0] + GOLDEN) ^ mix(half[1]);
        }
    }
    return sum;
}

static void add_elements(reader *r, uint64_t count)
{
    size_t width = eg_dtype_size(r->dtype);
    r->bag += sum_elements(r->block, width, count);
    if (r->sha) eg_sha256_add(r->sha, r->block, count * width);
}

static bool read_piece(reader *r, const eg_entry *view, uint64_t count, eg_error *err)
{
    bool ok = r->dtype == view->dtype ? eg_entry_read(view, r->block, err)
                                      : eg_entry_read_f32(view, (float *)r->block, err);
    if (ok) add_elements(r, count);
    return ok;
}

static int64_t stride_of(const eg_entry *entry, uint32_t dim)
{
    int64_t stride = 1;
    if (entry->strides) return entry->strides[dim];
    for (uint32_t d = dim + 1; d < entry->shape.rank; d++) stride *= entry->shape.dims[d];
    return stride;
}

static uint64_t numel_of(const eg_entry *entry)
{
    uint64_t numel = 0;
    eg_shape_numel(entry->shape, &numel);
    return numel;
}

/* Rows of the outermost dim that fit a piece; a row that does not fit is gone through by its own rows. */
static bool read_rows(reader *r, const eg_entry *entry, uint64_t most, eg_error *err)
{
    uint64_t numel = numel_of(entry);
    if (numel <= most) return read_piece(r, entry, numel, err);
    int64_t dims[MOST_DIMS], strides[MOST_DIMS], rows = entry->shape.dims[0];
    assert(entry->shape.rank > 0 && entry->shape.rank <= MOST_DIMS);
    for (uint32_t d = 0; d < entry->shape.rank; d++) {
        dims[d] = entry->shape.dims[d];
        strides[d] = stride_of(entry, d);
    }
    uint64_t row = numel / (uint64_t)rows;
    bool deep = row > most;
    int64_t step = deep ? 1 : (int64_t)(most / row);
    for (int64_t at = 0; at < rows; at += step) {
        eg_entry view = *entry;
        view.offset += (uint64_t)(at * strides[0]) * eg_dtype_size(entry->dtype);
        dims[0] = rows - at < step ? rows - at : step;
        view.shape = (eg_shape){entry->shape.rank - deep, dims + deep};
        view.strides = strides + deep;
        if (!read_rows(r, &view, most, err)) return false;
    }
    return true;
}

static bool open_reader(reader *r, const eg_entry *entry, eg_dtype dtype, eg_error *err)
{
    uint64_t numel = numel_of(entry), count = numel < PIECE ? numel : PIECE;
    *r = (reader){.dtype = dtype};
    r->block = eg_block_new((size_t)count * ELEMENT + ELEMENT, entry->name, err);
    return r->block != NULL;
}

static void close_reader(reader *r, const eg_entry *entry)
{
    uint64_t numel = numel_of(entry), count = numel < PIECE ? numel : PIECE;
    eg_block_free(r->block, (size_t)count * ELEMENT + ELEMENT);
}

bool eg_content_read(const eg_entry *entry, eg_dtype dtype, eg_content *out, eg_error *err)
{
    reader r;
    if (!open_reader(&r, entry, dtype, err)) return false;
    r.sha = eg_sha256_new();
    eg_sha256_add(r.sha, eg_dtype_name(dtype), strlen(eg_dtype_name(dtype)));
    bool ok = read_rows(&r, entry, PIECE, err);
    eg_sha256_finish(r.sha, out->digest);
    out->bag = r.bag;
    close_reader(&r, entry);
    return ok;
}

/* The first HEAD elements one by one, which costs nothing whatever the strides are. */
bool eg_content_head(const eg_entry *entry, eg_dtype dtype, uint64_t *out, eg_error *err)
{
    uint64_t numel = numel_of(entry), count = numel < HEAD ? numel : HEAD;
    _Alignas(ELEMENT) uint8_t element[ELEMENT];
    reader r = {.dtype = dtype, .block = element};
    *out = mix(numel);
    for (uint64_t i = 0; i < count; i++) {
        eg_entry view = *entry;
        uint64_t rest = i;
        for (uint32_t d = entry->shape.rank; d-- > 0;) {
            uint64_t size = (uint64_t)entry->shape.dims[d];
            view.offset += rest % size * (uint64_t)stride_of(entry, d) * eg_dtype_size(entry->dtype);
            rest /= size;
        }
        view.shape = (eg_shape){0};
        view.strides = NULL;
        r.bag = 0;
        if (!read_piece(&r, &view, 1, err)) return false;
        *out = mix(*out ^ r.bag);
    }
    return true;
}
