#include "format/hdf5.h"

#define H5_USE_110_API /* the same calls for every later version */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "engraft/tensor.h"

enum {
    PIECE = 16 << 20,        /* bytes of elements read at a time, where rows and chunks allow */
    LARGEST_PIECE = 1 << 28, /* a row or a chunk of more is refused */
    MAX_DEPTH = 100,
    MOST_EXPANSION = 1040, /* bytes declared for one that is held (deflate gives 1032 at most) … */
    SMALL = 1 << 20,       /* … in data sets larger than this */
};
static const uint64_t LARGEST = (uint64_t)1 << 32; /* bytes of a data set that has to be decoded */

typedef struct teller {
    FILE *out;
    eg_arena arena;
    uint64_t links;
    haddr_t above[MAX_DEPTH]; /* groups that the walk is in */
    unsigned depth;
} teller;

/* ---- records ---- */

static void tell(teller *t, const void *bytes, size_t size)
{
    fwrite(bytes, 1, size, t->out); /* a reader that is gone needs no reply */
}

static void tell_u8(teller *t, unsigned value)
{
    tell(t, &(uint8_t){(uint8_t)value}, 1);
}

static void tell_u64(teller *t, uint64_t value)
{
    tell(t, &value, sizeof value);
}

static void tell_text(teller *t, const char *text)
{
    uint32_t length = (uint32_t)strnlen(text, EG_HDF5_MAX_TEXT);
    tell(t, &length, sizeof length);
    tell(t, text, length);
}

static bool refuse(teller *t, const char *id, const char *text)
{
    tell_u8(t, EG_HDF5_ERROR);
    tell_text(t, id);
    tell_text(t, text);
    return false;
}

static bool not_understood(teller *t, const char *name, const char *what)
{
    return refuse(t, "H5-003",
                  eg_arena_printf(&t->arena, "%s of '%s' cannot be read: the file is damaged", what, name));
}

static bool outside(teller *t, const char *name, const char *storage)
{
    return refuse(t, "H5-001",
                  eg_arena_printf(&t->arena, "dataset '%s' uses %s storage; refusing", name, storage));
}

/* ---- types ---- */

/* IEEE formats by their fields: HDF5 has no names for the short ones. */
static const struct {
    size_t size, exponent, mantissa;
    eg_dtype dtype;
} floats[] = {{2, 5, 10, EG_F16}, {2, 8, 7, EG_BF16}, {4, 8, 23, EG_F32}, {8, 11, 52, EG_F64}};

static eg_dtype float_of(hid_t type)
{
    size_t sign, exponent, exponent_bits, mantissa, mantissa_bits, size = H5Tget_size(type);
    if (H5Tget_fields(type, &sign, &exponent, &exponent_bits, &mantissa, &mantissa_bits) < 0)
        return EG_DTYPE_COUNT;
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
        if (size == floats[i].size && exponent_bits == floats[i].exponent &&
            mantissa_bits == floats[i].mantissa && mantissa == 0 && exponent == mantissa_bits &&
            sign == size * 8 - 1 && H5Tget_ebias(type) == ((size_t)1 << (exponent_bits - 1)) - 1 &&
            H5Tget_norm(type) == H5T_NORM_IMPLIED)
            return floats[i].dtype;
    return EG_DTYPE_COUNT;
}

static eg_dtype integer_of(hid_t type)
{
    static const eg_dtype types[2][4] = {{EG_U8, EG_U16, EG_U32, EG_U64}, {EG_I8, EG_I16, EG_I32, EG_I64}};
    size_t size = H5Tget_size(type);
    int width = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : size == 8 ? 3 : -1;
    if (width < 0 || H5Tget_precision(type) != size * 8) return EG_DTYPE_COUNT;
    return types[H5Tget_sign(type) == H5T_SGN_2][width];
}

/* h5py writes bool as an enumeration of two signed bytes. */
static bool is_bool(hid_t type)
{
    int8_t no = 0, yes = 0;
    return H5Tget_size(type) == 1 && H5Tget_nmembers(type) == 2 && H5Tenum_valueof(type, "FALSE", &no) >= 0 &&
           H5Tenum_valueof(type, "TRUE", &yes) >= 0 && no == 0 && yes == 1;
}

static eg_dtype dtype_of(hid_t type)
{
    switch (H5Tget_class(type)) {
    case H5T_FLOAT: return float_of(type);
    case H5T_INTEGER: return integer_of(type);
    case H5T_ENUM: return is_bool(type) ? EG_BOOL : EG_DTYPE_COUNT;
    default: return EG_DTYPE_COUNT;
    }
}

/* ---- data sets ---- */

/* An open data set. */
typedef struct dataset {
    const char *name;
    hid_t id, type, space, plan;
    eg_dtype dtype;
    int rank;
    hsize_t dims[EG_HDF5_MAX_RANK];
    uint64_t size; /* bytes */
} dataset;

static bool check_storage(teller *t, const dataset *d)
{
    if (H5Pget_layout(d->plan) == H5D_VIRTUAL) return outside(t, d->name, "virtual");
    if (H5Pget_external_count(d->plan) != 0) return outside(t, d->name, "external");
    return true;
}

static bool measure(teller *t, dataset *d)
{
    d->rank = H5Sget_simple_extent_ndims(d->space);
    if (d->rank < 0 || H5Sget_simple_extent_dims(d->space, d->dims, NULL) != d->rank)
        return not_understood(t, d->name, "the shape");
    d->size = eg_dtype_size(d->dtype);
    for (int i = 0; i < d->rank; i++)
        if (__builtin_mul_overflow(d->size, (uint64_t)d->dims[i], &d->size) || d->size > INT64_MAX)
            return refuse(t, "TEN-004",
                          eg_arena_printf(&t->arena, "tensor '%s': size overflows 64 bits", d->name));
    return true;
}

static bool declares_too_much(teller *t, const dataset *d)
{
    uint64_t held = H5Dget_storage_size(d->id);
    bool fits = d->size <= SMALL || (d->size / MOST_EXPANSION <= held && d->size <= LARGEST);
    if (fits) return false;
    refuse(t, "H5-002",
           eg_arena_printf(&t->arena,
                           "dataset '%s' declares %llu bytes but the file holds %llu of it; refusing",
                           d->name, (unsigned long long)d->size, (unsigned long long)held));
    return true;
}

/* Rows read at a time: whole chunks, about PIECE bytes. 0: too large. */
static hsize_t rows_at_once(const dataset *d, uint64_t row)
{
    hsize_t step = 1, chunk[EG_HDF5_MAX_RANK];
    if (H5Pget_layout(d->plan) == H5D_CHUNKED && H5Pget_chunk(d->plan, d->rank, chunk) == d->rank)
        step = chunk[0];
    if (step > d->dims[0]) step = d->dims[0];
    if (row > LARGEST_PIECE || step > LARGEST_PIECE / row) return 0;
    return row * step >= PIECE ? step : PIECE / (row * step) * step;
}

static bool read_rows(const dataset *d, hsize_t first, hsize_t count, void *out)
{
    hsize_t start[EG_HDF5_MAX_RANK] = {first}, block[EG_HDF5_MAX_RANK];
    memcpy(block, d->dims, sizeof block);
    block[0] = count;
    hid_t memory = H5Screate_simple(d->rank, block, NULL);
    bool ok = memory >= 0 && H5Sselect_hyperslab(d->space, H5S_SELECT_SET, start, NULL, block, NULL) >= 0 &&
              H5Dread(d->id, d->type, memory, d->space, H5P_DEFAULT, out) >= 0;
    if (memory >= 0) H5Sclose(memory);
    return ok;
}

static void tell_piece(teller *t, const void *bytes, uint64_t size)
{
    uint32_t length = (uint32_t)size;
    tell_u8(t, EG_HDF5_PIECE);
    tell(t, &length, sizeof length);
    tell(t, bytes, length);
}

/* The elements as they are stored: the type in memory is the file's own. */
static bool tell_elements(teller *t, const dataset *d)
{
    uint8_t scalar[8];
    if (d->size == 0) return true;
    if (d->rank == 0) {
        if (H5Dread(d->id, d->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, scalar) < 0)
            return not_understood(t, d->name, "the data");
        tell_piece(t, scalar, d->size);
        return true;
    }
    uint64_t row = d->size / d->dims[0];
    hsize_t most = rows_at_once(d, row);
    if (!most)
        return refuse(t, "H5-002",
                      eg_arena_printf(&t->arena, "dataset '%s' has rows or chunks beyond 256 MiB", d->name));
    uint8_t *buffer = malloc(row * (most < d->dims[0] ? most : d->dims[0]));
    bool ok = buffer != NULL;
    for (hsize_t at = 0; ok && at < d->dims[0]; at += most) {
        hsize_t count = d->dims[0] - at < most ? d->dims[0] - at : most;
        ok = read_rows(d, at, count, buffer);
        if (ok) tell_piece(t, buffer, row * count);
    }
    free(buffer);
    return ok ? true : not_understood(t, d->name, "the data");
}

static bool tell_tensor(teller *t, dataset *d)
{
    if (!measure(t, d)) return false;
    haddr_t offset = H5Pget_layout(d->plan) == H5D_CONTIGUOUS ? H5Dget_offset(d->id) : HADDR_UNDEF;
    bool in_file = d->size && offset != HADDR_UNDEF;
    if (!in_file && declares_too_much(t, d)) return false;
    tell_u8(t, EG_HDF5_TENSOR);
    tell_text(t, d->name);
    tell_u8(t, d->dtype);
    tell_u8(t, H5Tget_order(d->type) == H5T_ORDER_BE);
    tell(t, &(uint32_t){(uint32_t)d->rank}, sizeof(uint32_t));
    for (int i = 0; i < d->rank; i++) tell_u64(t, d->dims[i]);
    tell_u64(t, in_file ? (uint64_t)offset : UINT64_MAX);
    return in_file || tell_elements(t, d);
}

static void tell_value(teller *t, const char *name, const char *type, const char *text)
{
    tell_u8(t, EG_HDF5_VALUE);
    tell_text(t, name);
    tell_text(t, type);
    tell_text(t, text);
}

static bool tell_open_dataset(teller *t, dataset *d)
{
    d->type = H5Dget_type(d->id), d->space = H5Dget_space(d->id), d->plan = H5Dget_create_plist(d->id);
    if (d->type < 0 || d->space < 0 || d->plan < 0) return not_understood(t, d->name, "the description");
    if (!check_storage(t, d)) return false;
    d->dtype = dtype_of(d->type);
    if (d->dtype != EG_DTYPE_COUNT && H5Sget_simple_extent_type(d->space) != H5S_NULL)
        return tell_tensor(t, d);
    tell_value(t, d->name, "dataset", "no numbers");
    return true;
}

static bool tell_dataset(teller *t, hid_t group, const char *link, const char *name)
{
    dataset d = {.name = name, .id = H5Dopen2(group, link, H5P_DEFAULT), .type = -1, .space = -1, .plan = -1};
    if (d.id < 0) return not_understood(t, name, "the description");
    bool ok = tell_open_dataset(t, &d);
    if (d.plan >= 0) H5Pclose(d.plan);
    if (d.space >= 0) H5Sclose(d.space);
    if (d.type >= 0) H5Tclose(d.type);
    H5Dclose(d.id);
    return ok;
}

/* ---- attributes ---- */

/* Texts of the file itself, such as keras_version; of any other type the name alone. */
static herr_t tell_attribute(hid_t file, const char *name, const H5A_info_t *info, void *data)
{
    teller *t = data;
    hid_t id = H5Aopen(file, name, H5P_DEFAULT), type = id < 0 ? -1 : H5Aget_type(id);
    bool text = type >= 0 && H5Tget_class(type) == H5T_STRING && info->data_size <= EG_HDF5_MAX_TEXT;
    char *value = NULL, *fixed = NULL;
    if (text && H5Tis_variable_str(type) > 0) {
        hid_t space = H5Aget_space(id);
        if (H5Sget_simple_extent_type(space) == H5S_SCALAR && H5Aread(id, type, &value) < 0) value = NULL;
        H5Sclose(space);
    } else if (text && (fixed = calloc(1, info->data_size + 1)) && H5Aread(id, type, fixed) >= 0) {
        value = fixed;
    }
    tell_value(t, name, value ? "str" : "attribute", value ? value : "");
    if (value && value != fixed) H5free_memory(value);
    free(fixed);
    if (type >= 0) H5Tclose(type);
    if (id >= 0) H5Aclose(id);
    return 0;
}

/* ---- groups ---- */

typedef struct place {
    teller *t;
    const char *path;
} place;

static herr_t tell_link(hid_t group, const char *link, const H5L_info_t *info, void *data);

static bool tell_group(teller *t, hid_t group, haddr_t address, const char *path)
{
    place here = {t, path};
    for (unsigned i = 0; i < t->depth; i++)
        if (t->above[i] == address)
            return refuse(t, "H5-003", eg_arena_printf(&t->arena, "group '%s' contains itself", path));
    if (t->depth == MAX_DEPTH) return refuse(t, "H5-003", "groups are nested deeper than 100");
    t->above[t->depth++] = address;
    herr_t done = H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, tell_link, &here);
    t->depth--;
    return done == 0 || (done < 0 && not_understood(t, *path ? path : "/", "the list"));
}

static bool tell_subgroup(teller *t, hid_t group, const char *link, haddr_t address, const char *name)
{
    hid_t inner = H5Gopen2(group, link, H5P_DEFAULT);
    if (inner < 0) return not_understood(t, name, "the list");
    bool ok = tell_group(t, inner, address, name);
    H5Gclose(inner);
    return ok;
}

static bool tell_object(teller *t, hid_t group, const char *link, const char *name)
{
    H5O_info_t object;
    if (H5Oget_info_by_name(group, link, &object, H5P_DEFAULT) < 0)
        return not_understood(t, name, "the header");
    if (object.type == H5O_TYPE_GROUP) return tell_subgroup(t, group, link, object.addr, name);
    return object.type != H5O_TYPE_DATASET || tell_dataset(t, group, link, name);
}

/* 1 ends every iteration: an error has been told. */
static herr_t tell_link(hid_t group, const char *link, const H5L_info_t *info, void *data)
{
    const place *here = data;
    teller *t = here->t;
    const char *name = *here->path ? eg_arena_printf(&t->arena, "%s/%s", here->path, link)
                                   : eg_arena_string(&t->arena, link);
    if (++t->links > EG_HDF5_MAX_LINKS || strlen(name) > EG_HDF5_MAX_NAME)
        return !refuse(t, "H5-003", "the file has more than 1,000,000 links, or a name beyond 4096 bytes");
    if (info->type == H5L_TYPE_SOFT) return !outside(t, name, "soft link");
    if (info->type == H5L_TYPE_EXTERNAL) return !outside(t, name, "external link");
    if (info->type != H5L_TYPE_HARD) return !outside(t, name, "user-defined link");
    return !tell_object(t, group, link, name);
}

/* ---- the file ---- */

/* The library works on the mapping itself: it is handed out as its own copy, which the library may not write
 * to for all that its interface takes no pointer to const. */
static union {
    const uint8_t *bytes;
    void *given;
} image;

static void *give_image(size_t size, H5FD_file_image_op_t op, void *context)
{
    (void)size, (void)op, (void)context;
    return image.given;
}

static void *keep_image(void *to, const void *from, size_t size, H5FD_file_image_op_t op, void *context)
{
    (void)from, (void)size, (void)op, (void)context;
    return to;
}

static herr_t leave_image(void *bytes, H5FD_file_image_op_t op, void *context)
{
    (void)bytes, (void)op, (void)context;
    return 0;
}

static hid_t open_image(const uint8_t *bytes, uint64_t size)
{
    H5FD_file_image_callbacks_t callbacks = {
        .image_malloc = give_image, .image_memcpy = keep_image, .image_free = leave_image};
    image.bytes = bytes;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0); /* filters are the library's own */
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    bool ready = access >= 0 && H5Pset_fapl_core(access, 1 << 20, 0) >= 0 &&
                 H5Pset_file_image_callbacks(access, &callbacks) >= 0 &&
                 H5Pset_file_image(access, image.given, size) >= 0;
    return ready ? H5Fopen("image", H5F_ACC_RDONLY, access) : -1;
}

bool eg_hdf5_is_built(void)
{
    return true;
}

void eg_hdf5_tell(const uint8_t *bytes, uint64_t size, int out)
{
    teller t = {.out = fdopen(out, "wb")};
    H5O_info_t root;
    if (!t.out) return;
    hid_t file = open_image(bytes, size);
    bool ok = file >= 0 && H5Oget_info_by_name(file, "/", &root, H5P_DEFAULT) >= 0;
    if (!ok) not_understood(&t, "/", "the file's header");
    if (ok) H5Aiterate2(file, H5_INDEX_NAME, H5_ITER_INC, NULL, tell_attribute, &t);
    if (ok && tell_group(&t, file, root.addr, "")) tell_u8(&t, EG_HDF5_END);
    fclose(t.out);
    eg_arena_clear(&t.arena);
}
