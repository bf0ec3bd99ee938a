/* Telling checkpoints apart by their content, and the two doors to them: open and write. */
#include "engraft/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/str.h"
#include "format/checkpoint_file.h"
#include "format/darknet.h"
#include "format/gguf.h"
#include "format/npy.h"
#include "format/npz.h"
#include "format/onnx.h"
#include "format/pickle.h"
#include "format/safetensors.h"
#include "format/safetensors_writer.h"
#include "format/shard_index.h"
#include "format/state_dict.h"
#include "format/torch_legacy.h"
#include "format/torch_legacy_writer.h"
#include "format/torch_pt2.h"
#include "format/torch_script.h"
#include "format/torch_tar.h"
#include "format/torch_writer.h"
#include "format/torch_zip.h"
#include "format/zip_directory.h"
#include "tensor/quantization.h"
#include "tensor/tie.h"

static bool starts(const eg_mapping *m, const char *bytes, size_t n)
{
    return m->size >= n && memcmp(m->bytes, bytes, n) == 0;
}

/* ---- detection ---- */

/* An archive without records has nothing that tells its kind, and no tensor either way. */
static bool is_empty_npz(const eg_checkpoint_file *file)
{
    return starts(&file->mapping, "PK\5\6", 4) && eg_ends_with(file->checkpoint.path, ".npz");
}

static bool is_zip(const eg_mapping *m)
{
    return starts(m, "PK\3\4", 4);
}

/* A JSON header after a length of eight bytes. */
static bool has_header(const eg_mapping *m)
{
    uint64_t at = 8;
    while (at < m->size && m->bytes[at] && strchr(" \t\r\n", m->bytes[at])) at++;
    return at < m->size && m->bytes[at] == '{';
}

/* u64le length of a JSON header. Comes before the pickles: a length may look like one. */
static bool is_safetensors(const eg_mapping *m)
{
    uint64_t n = 0;
    if (!has_header(m)) return false;
    for (int i = 8; i-- > 0;) n = n << 8 | m->bytes[i];
    return n >= 2 && n <= 100000000 && n <= m->size - 8;
}

static bool is_gguf(const eg_mapping *m)
{
    return starts(m, "GGUF", 4);
}

static bool is_npy(const eg_mapping *m)
{
    return starts(m, "\x93NUMPY", 6);
}

static bool is_hdf5(const eg_mapping *m)
{
    for (uint64_t at = 0; at + 8 <= m->size && at <= 1 << 20; at = at ? at * 2 : 512)
        if (memcmp(m->bytes + at, "\x89HDF\r\n\x1a\n", 8) == 0) return true;
    return false;
}

static bool is_tar(const eg_mapping *m)
{
    return eg_torch_tar_is(m->bytes, m->size);
}

static bool is_legacy(const eg_mapping *m)
{
    return eg_torch_legacy_is(m->bytes, m->size);
}

static bool is_pickle(const eg_mapping *m)
{
    return m->size >= 3 && m->bytes[0] == 0x80 && m->bytes[1] <= 5;
}

static bool is_preview(const eg_mapping *m)
{
    return starts(m, "PYTORCH1", 8);
}

static bool is_shard_index(const eg_mapping *m)
{
    return eg_shard_index_is(m->bytes, m->size);
}

static bool is_onnx(const eg_mapping *m)
{
    return eg_onnx_is(m->bytes, m->size);
}

/* ---- what is not read ---- */

static bool not_yet(eg_error *err, const char *kind)
{
    return eg_fail_id(err, EG_MALFORMED, "FMT-005",
                      "%s files are not supported yet; save the state dict with torch.save instead", kind);
}

static bool refuse_preview(eg_checkpoint_file *file, eg_error *err)
{
    (void)file;
    return eg_fail_id(
        err, EG_MALFORMED, "FMT-004",
        "preview-release PyTorch script file (PYTORCH1) is not supported; re-save it with torch >= 1.6");
}

/* A pickle without the container around it, told apart from a stream with a forged magic number: refused, or
 * on request its values are listed. */
static bool read_pickle(eg_checkpoint_file *file, eg_error *err)
{
    eg_checkpoint_options how = file->options;
    uint64_t used = 0;
    how.inspect &= how.allow_bare_pickle;
    eg_pickle *pickle = eg_pickle_parse(&file->arena, file->mapping.bytes, file->mapping.size, &used, err);
    if (!pickle || !eg_state_dict_references(pickle, &how, &file->arena, &file->checkpoint, err))
        return false;
    eg_py_kind kind = (eg_py_kind)eg_pickle_node(pickle, pickle->root)->kind;
    if (kind == EG_PY_BIGINT || kind == EG_PY_INT)
        return eg_fail_id(err, EG_MALFORMED, "LEG-001", "bad magic number: not a PyTorch legacy file");
    file->checkpoint.format = "pickle";
    if (file->options.allow_bare_pickle && file->options.inspect) {
        eg_torch torch = {.arena = &file->arena, .pickle = pickle};
        return eg_torch_collect(&torch, err) &&
               eg_state_dict_list(&torch, &file->options, &file->checkpoint, err);
    }
    return eg_fail_id(err, EG_MALFORMED, "FMT-003",
                      "bare pickle without tensor storage; refusing (use --allow-bare-pickle to inspect)");
}

/* A zip is told by its members' names. */
static bool read_zip(eg_checkpoint_file *file, eg_error *err)
{
    static const struct {
        const char *name, *kind;
        bool anywhere;              /* below any folder */
        eg_checkpoint_reader *read; /* NULL: not read yet */
    } members[] = {
        {"constants.pkl", "TorchScript", true, eg_torch_script_read},
        {"model.json", "TorchScript (before 1.3)", true, eg_torch_script_refuse_old},
        {"archive_format", "torch.export (pt2)", true, eg_torch_pt2_read},
        {"model.weights.h5", "Keras", false, NULL},
    };
    eg_arena scratch = {0};
    eg_zip zip;
    size_t kind = 0, kinds = sizeof members / sizeof *members;
    bool ok = eg_zip_open(&zip, &scratch, file->mapping.bytes, file->mapping.size, err);
    bool npz = ok && eg_npz_is(&zip);
    for (kind = 0; ok && kind < kinds; kind++) {
        bool found = false;
        for (size_t i = 0; i < zip.count && !found; i++) {
            const char *name = zip.entries[i].name, *slash = strchr(name, '/');
            found = members[kind].anywhere ? slash && strcmp(slash + 1, members[kind].name) == 0
                                           : !slash && eg_ends_with(name, members[kind].name);
        }
        if (found) break;
    }
    eg_arena_clear(&scratch);
    if (!ok) return false;
    if (npz) return eg_npz_read(file, err);
    if (kind == kinds) return eg_torch_zip_read(file, err);
    return members[kind].read ? members[kind].read(file, err) : not_yet(err, members[kind].kind);
}

/* The first row that fits wins. */
static const struct {
    bool (*is)(const eg_mapping *mapping);
    eg_checkpoint_reader *read; /* NULL: not read yet */
    const char *kind;
} formats[] = {
    {is_zip, read_zip, "zip"},
    {is_safetensors, eg_safetensors_read, "safetensors"},
    {is_gguf, eg_gguf_read, "GGUF"},
    {is_npy, eg_npy_read, "npy"},
    {is_hdf5, NULL, "HDF5"},
    {is_tar, eg_torch_tar_read, "tar"},
    {is_legacy, eg_torch_legacy_read, "legacy"},
    {is_pickle, read_pickle, "pickle"},
    {is_preview, refuse_preview, "PYTORCH1"},
    {is_onnx, eg_onnx_read, "ONNX"}, /* has no magic number */
    {is_shard_index, eg_shard_index_read, "shard index"},
    {has_header, eg_safetensors_read, "safetensors"}, /* whose length is wrong */
};

/* Wrappers around a checkpoint. */
static const struct {
    const char *bytes;
    size_t size;
    const char *kind;
} packed[] = {
    {"\x1f\x8b", 2, "gzip"},  {"\x28\xb5\x2f\xfd", 4, "zstd"},       {"BZh", 3, "bzip2"},
    {"\xfd\x37zXZ", 5, "xz"}, {"\x37\x7a\xbc\xaf\x27\x1c", 6, "7z"}, {"PK\5\6", 4, "empty zip"},
};

bool eg_checkpoint_file_read(eg_checkpoint_file *file, eg_error *err)
{
    const eg_mapping *m = &file->mapping;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i].is(m))
            return formats[i].read ? formats[i].read(file, err) : not_yet(err, formats[i].kind);
    if (is_empty_npz(file)) return eg_npz_read(file, err);
    for (size_t i = 0; i < sizeof packed / sizeof *packed; i++)
        if (starts(m, packed[i].bytes, packed[i].size))
            return eg_fail_id(err, EG_MALFORMED, "FMT-002",
                              "%s file: unpack it first (engraft reads the checkpoint inside)",
                              packed[i].kind);
    if (eg_ends_with(file->checkpoint.path, EG_SAFETENSORS_EXTENSION)) return eg_safetensors_read(file, err);
    if (eg_darknet_is(file)) return eg_darknet_read(file, err);
    eg_buf bytes = {0};
    for (uint64_t i = 0; i < m->size && i < 16; i++)
        eg_buf_printf(&bytes, "%s%02x", i ? " " : "", m->bytes[i]);
    eg_fail_id(err, EG_MALFORMED, "FMT-001", "not a checkpoint format engraft knows (first bytes %s)",
               bytes.data ? bytes.data : "none: the file is empty");
    eg_buf_clear(&bytes);
    return false;
}

/* ---- open and close ---- */

/* Numbers in the place of quantized integers; the values no longer tell of scales. */
static void dequantize(eg_checkpoint_file *file)
{
    eg_checkpoint *out = &file->checkpoint;
    eg_checkpoint_value *values = EG_NEW_ARRAY(&file->arena, eg_checkpoint_value, out->value_count);
    size_t kept = 0;
    for (size_t i = 0; i < out->value_count; i++)
        if (strcmp(out->values[i].type, "quantization") != 0) values[kept++] = out->values[i];
    out->values = values;
    out->value_count = kept;
    eg_store_dequantize(&out->store, &file->arena);
}

eg_checkpoint *eg_checkpoint_open(const char *path, const eg_checkpoint_options *options, eg_error *err)
{
    eg_checkpoint_file *file = eg_malloc(sizeof *file);
    eg_error why = {0};
    *file = (eg_checkpoint_file){.options = options ? *options : (eg_checkpoint_options){0}};
    file->checkpoint.path = eg_arena_string(&file->arena, path);
    file->checkpoint.state_dict = "";
    file->checkpoint.impl = file;
    if (eg_mapping_open(&file->mapping, path, &why) && eg_checkpoint_file_read(file, &why)) {
        if (file->options.dequantize) dequantize(file);
        return &file->checkpoint;
    }
    eg_error_in(&why, path);
    if (err && err->code == EG_OK) *err = why;
    eg_checkpoint_close(&file->checkpoint);
    return NULL;
}

void eg_checkpoint_close(eg_checkpoint *checkpoint)
{
    if (!checkpoint) return;
    eg_checkpoint_file *file = checkpoint->impl;
    eg_arena arena = file->arena;
    eg_arena_clear(&arena); /* before the mapping: cleanups may look at it */
    eg_mapping_close(&file->mapping);
    free(file);
}

/* ---- writing ---- */

static const struct {
    const char *extension;
    bool (*write)(const char *path, const eg_store *store, const eg_checkpoint_extra *extra, eg_error *err);
} writers[] = {
    {".pth", eg_torch_zip_write},
    {".pt", eg_torch_zip_write},
    {".th", eg_torch_zip_write},
    {".bin", eg_torch_zip_write},
    {".ckpt", eg_torch_zip_write},
    {".tar", eg_torch_zip_write},
    {EG_SAFETENSORS_EXTENSION, eg_safetensors_write},
    {EG_SAFETENSORS_INDEX_EXTENSION, eg_safetensors_index_write},
    {".npz", eg_npz_write},
};

/* npz is arrays alone. */
const char *eg_checkpoint_losses(eg_arena *arena, const char *path, const eg_checkpoint *checkpoint)
{
    size_t ties = 0, versions = checkpoint->version_count;
    eg_buf out = {0};
    if (!eg_ends_with(path, ".npz")) return NULL;
    const char **tied = eg_store_ties(arena, &checkpoint->store);
    for (size_t i = 0; i < checkpoint->store.count; i++) ties += tied[i] != NULL;
    if (ties) eg_buf_printf(&out, "%zu tie%s", ties, ties == 1 ? "" : "s");
    if (versions)
        eg_buf_printf(&out, "%s%zu module version%s (`_metadata`)", out.length ? ", " : "", versions,
                      versions == 1 ? "" : "s");
    if (checkpoint->card) eg_buf_printf(&out, "%sthe model's card", out.length ? ", " : "");
    return out.length ? eg_buf_take(&out, arena) : NULL;
}

bool eg_checkpoint_writable(const char *path, eg_error *err)
{
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++)
        if (eg_ends_with(path, writers[i].extension)) return true;
    eg_buf list = {0};
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++)
        eg_buf_printf(&list, "%s%s", i ? " " : "", writers[i].extension);
    eg_fail(err, EG_USAGE,
            "the extension does not name a format that engraft writes; end the name in one of: %s",
            list.data);
    eg_buf_clear(&list);
    return eg_error_in(err, path);
}

/* Formats that no extension tells. */
static const struct {
    const char *name;
    bool (*write)(const char *path, const eg_store *store, const eg_checkpoint_extra *extra, eg_error *err);
} named_writers[] = {
    {"pth", eg_torch_zip_write},
    {"pth-legacy", eg_torch_legacy_write},
};

static bool write_named(const char *path, const eg_store *store, const eg_checkpoint_extra *extra,
                        eg_error *err)
{
    for (size_t i = 0; i < sizeof named_writers / sizeof *named_writers; i++)
        if (strcmp(extra->format, named_writers[i].name) == 0)
            return named_writers[i].write(path, store, extra, err);
    return eg_fail(err, EG_USAGE, "'%s' is no format that engraft writes; it writes pth and pth-legacy",
                   extra->format);
}

bool eg_checkpoint_write(const char *path, const eg_store *store, const eg_checkpoint_extra *extra,
                         eg_error *err)
{
    if (extra && extra->format) return write_named(path, store, extra, err);
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++)
        if (eg_ends_with(path, writers[i].extension)) return writers[i].write(path, store, extra, err);
    return eg_checkpoint_writable(path, err);
}
