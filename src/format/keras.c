#include "format/keras.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/str.h"
#include "format/hdf5.h"
#include "format/zip_directory.h"

#if defined(__SANITIZE_ADDRESS__)
enum { HAS_SHADOW = 1 };
#elif defined(__has_feature)
enum { HAS_SHADOW = __has_feature(address_sanitizer) };
#else
enum { HAS_SHADOW = 0 };
#endif

enum { CHILD_MEMORY = 512 << 20, CHILD_SECONDS = 60 };

/* The file's bytes, and where they are verbatim. */
typedef struct image {
    const uint8_t *bytes;
    uint64_t size, file_offset;
    int fd; /* -1: they were inflated */
} image;

typedef struct reader {
    eg_checkpoint_file *file;
    eg_arena *arena;
    image image;
    FILE *in;
    eg_entry *entries;
    size_t count, capacity;
    eg_checkpoint_value *values;
    size_t value_capacity;
    eg_map *names;  /* of tensors */
    eg_map *places; /* "offset size" -> entry, for ties */
    bool broken;    /* the reply is not one */
    bool ended;     /* its last record was read */
    eg_error *err;
} reader;

/* ---- the child ---- */

static rlim_t address_space(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%lu", &pages) != 1) pages = 0;
    if (f) fclose(f);
    return pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* No file or socket can be opened, no process made; memory and time are bounded. */
static void limit_child(void)
{
    const struct rlimit memory = {address_space() + CHILD_MEMORY, RLIM_INFINITY};
    if (!HAS_SHADOW) setrlimit(RLIMIT_AS, &memory); /* the sanitizer's shadow alone is terabytes */
    const struct rlimit none = {0, 0}, seconds = {CHILD_SECONDS, CHILD_SECONDS};
    setrlimit(RLIMIT_NOFILE, &none);
    setrlimit(RLIMIT_NPROC, &none);
    setrlimit(RLIMIT_FSIZE, &none);
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_CPU, &seconds);
}

static pid_t start_child(reader *r)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        eg_fail(r->err, EG_SYSTEM, "cannot make a pipe: %s", strerror(errno));
        return -1;
    }
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        eg_memory_on_exit(NULL); /* unfinished outputs are the parent's */
        limit_child();
        eg_hdf5_tell(r->image.bytes, r->image.size, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    if (child > 0 && (r->in = fdopen(ends[0], "rb"))) return child;
    eg_fail(r->err, EG_SYSTEM, "cannot start a process that reads HDF5: %s", strerror(errno));
    close(ends[0]);
    return child;
}

/* How the child ended is an error only when its reply had no end. */
static bool end_child(reader *r, pid_t child)
{
    int status = 0;
    if (r->in) fclose(r->in);
    if (child <= 0) return false;
    if (!r->ended) kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return true;
}

/* ---- the reply ---- */

static bool damaged(reader *r, const char *what)
{
    return eg_fail_id(r->err, EG_MALFORMED, "H5-004",
                      "the HDF5 reader stopped %s: the file is damaged, or too large for it", what);
}

static void take(reader *r, void *out, size_t size)
{
    memset(out, 0, size);
    if (!r->broken && fread(out, 1, size, r->in) != size) r->broken = true;
}

static uint8_t take_u8(reader *r)
{
    uint8_t value;
    take(r, &value, sizeof value);
    return value;
}

static uint32_t take_u32(reader *r)
{
    uint32_t value;
    take(r, &value, sizeof value);
    return value;
}

static uint64_t take_u64(reader *r)
{
    uint64_t value;
    take(r, &value, sizeof value);
    return value;
}

/* Printable; names of tensors must be so already. */
static const char *take_text(reader *r, bool *plain)
{
    uint32_t length = take_u32(r);
    if (length > EG_HDF5_MAX_TEXT) r->broken = true;
    if (r->broken) return "";
    char *text = eg_arena_alloc(r->arena, length + 1u);
    take(r, text, length);
    text[length] = '\0';
    const char *printable = eg_printable(r->arena, text, length);
    if (plain) *plain = strlen(text) == length && strcmp(text, printable) == 0 && length <= EG_HDF5_MAX_NAME;
    return printable;
}

static bool take_error(reader *r)
{
    const char *id = take_text(r, NULL), *text = take_text(r, NULL);
    if (r->broken) return damaged(r, "early");
    r->ended = true;
    return eg_fail_id(r->err, EG_MALFORMED, id, "%s", text);
}

static void add_value(reader *r, const char *name, const char *type, const char *text)
{
    eg_checkpoint *out = &r->file->checkpoint;
    if (!r->values || out->value_count == r->value_capacity) {
        r->value_capacity = r->value_capacity ? r->value_capacity * 2 : 32;
        eg_checkpoint_value *more = EG_NEW_ARRAY(r->arena, eg_checkpoint_value, r->value_capacity);
        if (r->values) memcpy(more, r->values, out->value_count * sizeof *more);
        out->values = r->values = more;
    }
    r->values[out->value_count++] = (eg_checkpoint_value){name, type, text};
}

static bool take_value(reader *r)
{
    enum { SHOWN = 100 };
    const char *name = take_text(r, NULL), *type = take_text(r, NULL), *text = take_text(r, NULL);
    if (r->broken) return damaged(r, "early");
    add_value(r, name, type, strlen(text) > SHOWN ? eg_arena_printf(r->arena, "%.*s…", SHOWN, text) : text);
    return true;
}

/* ---- tensors ---- */

typedef struct block {
    void *bytes;
    size_t size;
} block;

static void free_block(void *object)
{
    block *b = object;
    eg_block_free(b->bytes, b->size);
}

/* The elements of a data set that does not lie in one piece. */
static bool take_elements(reader *r, eg_storage *storage)
{
    block *b = EG_NEW(r->arena, block);
    *b = (block){eg_block_new((size_t)storage->size, storage->key, r->err), (size_t)storage->size};
    if (!b->bytes) return false;
    eg_arena_defer(r->arena, free_block, b);
    for (uint64_t at = 0; at < storage->size;) {
        uint8_t kind = take_u8(r);
        if (kind == EG_HDF5_ERROR) return take_error(r);
        uint32_t size = kind == EG_HDF5_PIECE ? take_u32(r) : 0;
        if (r->broken || size == 0 || size > storage->size - at) return damaged(r, "early");
        take(r, (uint8_t *)b->bytes + at, size);
        at += size;
    }
    storage->bytes = b->bytes;
    return r->broken ? damaged(r, "early") : true;
}

/* A storage in the file, one for all data sets of the same place. */
static bool find_place(reader *r, const char *name, uint64_t offset, eg_entry *entry)
{
    eg_storage *storage = entry->storage;
    if (offset > r->image.size || storage->size > r->image.size - offset)
        return eg_fail_id(r->err, EG_MALFORMED, "H5-003",
                          "the data of '%s' lies outside the file: it is damaged", name);
    const char *place = eg_arena_printf(r->arena, "%llu %llu %d", (unsigned long long)offset,
                                        (unsigned long long)storage->size, (int)entry->dtype);
    int64_t known = eg_map_find(r->places, place);
    storage->bytes = r->image.bytes + offset;
    storage->fd = r->image.fd;
    storage->file_offset = r->image.file_offset + offset;
    if (known >= 0) entry->storage = r->entries[known].storage;
    if (known < 0) eg_map_add(r->places, place, (int64_t)r->count);
    return true;
}

static bool take_shape(reader *r, eg_entry *entry)
{
    int64_t dims[EG_HDF5_MAX_RANK];
    uint64_t numel = 0;
    uint32_t rank = take_u32(r);
    if (rank > EG_HDF5_MAX_RANK) return damaged(r, "early");
    for (uint32_t i = 0; i < rank; i++) {
        uint64_t dim = take_u64(r);
        if (dim > INT64_MAX) return damaged(r, "early");
        dims[i] = (int64_t)dim;
    }
    entry->shape = eg_shape_copy(r->arena, dims, rank);
    if (!eg_shape_numel(entry->shape, &numel) ||
        __builtin_mul_overflow(numel, eg_dtype_size(entry->dtype), &entry->storage->size) ||
        entry->storage->size > INT64_MAX)
        return eg_fail_id(r->err, EG_MALFORMED, "TEN-004", "tensor '%s': size overflows 64 bits",
                          entry->name);
    return true;
}

static bool add_entry(reader *r, const eg_entry *entry)
{
    if (r->count == r->capacity) {
        r->capacity = r->capacity ? r->capacity * 2 : 256;
        eg_entry *more = EG_NEW_ARRAY(r->arena, eg_entry, r->capacity);
        if (r->count) memcpy(more, r->entries, r->count * sizeof *more);
        r->entries = more;
    }
    if (r->count >= EG_HDF5_MAX_LINKS || !eg_map_add(r->names, entry->name, (int64_t)r->count))
        return damaged(r, "with a name told twice");
    r->entries[r->count++] = *entry;
    return true;
}

static bool take_tensor(reader *r)
{
    bool plain = false;
    eg_storage *storage = EG_NEW(r->arena, eg_storage);
    eg_entry entry = {.name = take_text(r, &plain), .storage = storage};
    uint8_t dtype = take_u8(r);
    *storage = (eg_storage){.key = entry.name, .fd = -1, .big_endian = take_u8(r) == 1};
    if (r->broken || dtype >= EG_DTYPE_COUNT) return damaged(r, "early");
    if (!plain)
        return eg_fail_id(r->err, EG_MALFORMED, "H5-003", "'%s' is no name: expected printable UTF-8 text",
                          entry.name);
    entry.dtype = (eg_dtype)dtype;
    if (!take_shape(r, &entry)) return false;
    uint64_t offset = take_u64(r);
    if (r->broken) return damaged(r, "early");
    return (offset == UINT64_MAX ? take_elements(r, storage) : find_place(r, entry.name, offset, &entry)) &&
           add_entry(r, &entry);
}

static bool take_reply(reader *r)
{
    while (!r->ended) {
        bool ok = true;
        switch (take_u8(r)) {
        case EG_HDF5_TENSOR: ok = take_tensor(r); break;
        case EG_HDF5_VALUE: ok = take_value(r); break;
        case EG_HDF5_ERROR: return take_error(r);
        case EG_HDF5_END: r->ended = true; break;
        default: return damaged(r, "early");
        }
        if (!ok) return false;
    }
    return true;
}

/* ---- which of them ---- */

static bool is_below(const char *name, const char *group)
{
    size_t n = strlen(group);
    return n == 0 || (strncmp(name, group, n) == 0 && name[n] == '/');
}

static bool any_below(const reader *r, const char *group)
{
    for (size_t i = 0; i < r->count; i++)
        if (is_below(r->entries[i].name, group)) return true;
    return false;
}

static bool is_optimizer(const char *name)
{
    return is_below(name, "optimizer") || is_below(name, "optimizer_weights");
}

/* Keeps a group's tensors, by their names in it; the others are listed. */
static bool select_group(reader *r, const char *group, bool without_optimizer)
{
    eg_checkpoint *out = &r->file->checkpoint;
    size_t kept = 0, skipped = *group ? strlen(group) + 1 : 0;
    for (size_t i = 0; i < r->count; i++) {
        eg_entry entry = r->entries[i];
        if (!is_below(entry.name, group) || (without_optimizer && is_optimizer(entry.name))) {
            add_value(r, entry.name, "tensor",
                      eg_arena_printf(r->arena, "%s %s", eg_dtype_name(entry.dtype),
                                      eg_shape_text(r->arena, entry.shape)));
            continue;
        }
        entry.name += skipped;
        r->entries[kept++] = entry;
    }
    if (kept == 0)
        return eg_fail_id(r->err, EG_MALFORMED, "SEL-002", "no tensors found (top-level keys: %s)",
                          "no data set of numbers in the HDF5 file");
    out->state_dict = eg_arena_string(r->arena, group);
    out->store = (eg_store){.entries = r->entries, .count = kept};
    eg_store_index(&out->store, r->arena);
    return true;
}

static bool select_tensors(reader *r)
{
    const char *wanted = r->file->options.state_dict;
    if (!wanted) return select_group(r, any_below(r, "model_weights") ? "model_weights" : "", true);
    if (strcmp(wanted, ".") == 0) return select_group(r, "", false);
    if (*wanted && !any_below(r, wanted))
        return eg_fail_id(r->err, EG_RECIPE, "SEL-003",
                          "the file has no '%s' (it is an HDF5 file: give a group such as layers)", wanted);
    return select_group(r, wanted, false);
}

/* ---- the file ---- */

static bool read_image(eg_checkpoint_file *file, image from, eg_error *err)
{
    if (!eg_hdf5_is_built())
        return eg_fail_id(
            err, EG_MALFORMED, "FMT-005",
            "this engraft was built without HDF5, which Keras files are; install libhdf5-dev and build with "
            "-Dhdf5=enabled");
    reader r = {.file = file, .arena = &file->arena, .image = from, .err = err};
    r.names = eg_map_new(r.arena);
    r.places = eg_map_new(r.arena);
    pid_t child = start_child(&r);
    bool ok = r.in && take_reply(&r);
    end_child(&r, child);
    return ok && select_tensors(&r);
}

bool eg_keras_read(eg_checkpoint_file *file, eg_error *err)
{
    const eg_mapping *m = &file->mapping;
    file->checkpoint.format = "hdf5";
    return read_image(file, (image){m->bytes, m->size, 0, m->fd}, err);
}

bool eg_keras_archive_read(eg_checkpoint_file *file, eg_error *err)
{
    const eg_mapping *m = &file->mapping;
    eg_zip zip;
    file->checkpoint.format = "keras";
    if (!eg_zip_open(&zip, &file->arena, m->bytes, m->size, err)) return false;
    const eg_zip_entry *entry = eg_zip_find(&zip, "model.weights.h5");
    if (!entry)
        return eg_fail_id(err, EG_MALFORMED, "ZIP-015", "no %s in the archive (found: %s)",
                          "model.weights.h5", zip.count ? zip.entries[0].name : "nothing");
    const uint8_t *bytes = eg_zip_read(&zip, &file->arena, entry, UINT32_MAX, !file->options.no_verify, err);
    if (!bytes) return false;
    bool stored = entry->method == 0;
    return read_image(file, (image){bytes, entry->full, stored ? entry->data : 0, stored ? m->fd : -1}, err);
}
