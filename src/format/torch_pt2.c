#include "format/torch_pt2.h"

#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "format/json.h"
#include "format/state_dict.h"
#include "format/torch_archive.h"

enum { MAX_CONFIG = 256 << 20, MAX_RANK = 64, MAX_TENSORS = 1000 * 1000, MAX_NAME = 4096, MAX_VALUES = 2000 };

typedef struct reader {
    eg_torch_archive *archive;
    eg_arena *arena;
    eg_torch torch;
    const char *record; /* the description being read */
    const char *folder; /* of its payloads */
    eg_entry *entries;
    size_t count, capacity;
    eg_map *names;
    eg_error *err;
} reader;

static bool strange(reader *r, const char *name, const char *what)
{
    return eg_fail_id(r->err, EG_MALFORMED, "PT2-001", "record '%s': '%s' %s", r->record, name, what);
}

static bool unsupported(reader *r, const char *name, const char *kind, const char *detail)
{
    return eg_fail_id(r->err, EG_MALFORMED, "TEN-009", "tensor '%s': %s tensors are not supported (%s)", name,
                      kind, detail);
}

/* ---- a description ---- */

/* n, or {"as_int": n}. */
static bool read_number(reader *r, const eg_json *json, const char *name, const char *what, int64_t *value)
{
    if (!eg_json_is_int(json, value) && !eg_json_get_int(json, "as_int", value))
        return eg_json_get(json, "as_expr")
                   ? unsupported(r, name, "symbolic", what)
                   : strange(r, name, "has a size, stride or offset that is no number");
    if (*value >= 0) return true;
    return eg_fail_id(r->err, EG_MALFORMED, "TEN-002", "tensor '%s': negative %s %lld", name, what,
                      (long long)*value);
}

static bool read_numbers(reader *r, const eg_json *list, const char *name, const char *what, int64_t **out,
                         uint32_t *rank)
{
    size_t count = eg_json_count(list);
    if (!list) return strange(r, name, "has no sizes or no strides");
    if (count > MAX_RANK)
        return eg_fail_id(r->err, EG_MALFORMED, "PKL-011", "limit exceeded: %s (%llu > %llu)",
                          "tensor dimensions", (unsigned long long)count, (unsigned long long)MAX_RANK);
    *out = EG_NEW_ARRAY(r->arena, int64_t, count + 1);
    *rank = (uint32_t)count;
    for (size_t i = 0; i < count; i++)
        if (!read_number(r, eg_json_at(list, i), name, what, &(*out)[i])) return false;
    return true;
}

/* torch/_export/serde/schema.py, ScalarType. */
static eg_dtype dtype_of(int64_t number)
{
    static const struct {
        int64_t number;
        eg_dtype dtype;
    } types[] = {{1, EG_U8},           {2, EG_I8},          {3, EG_I16},  {4, EG_I32},      {5, EG_I64},
                 {6, EG_F16},          {7, EG_F32},         {8, EG_F64},  {10, EG_C64},     {11, EG_C128},
                 {12, EG_BOOL},        {13, EG_BF16},       {28, EG_U16}, {29, EG_F8_E4M3}, {30, EG_F8_E5M2},
                 {31, EG_F8_E4M3FNUZ}, {32, EG_F8_E5M2FNUZ}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].number == number) return types[i].dtype;
    return EG_DTYPE_COUNT;
}

static bool read_meta(reader *r, const eg_json *meta, const char *name, eg_torch_given *given,
                      eg_dtype *dtype)
{
    enum { STRIDED = 7 };
    int64_t number = 0, layout = STRIDED, offset = 0, *dims = NULL, *strides = NULL;
    uint32_t stride_rank = 0;
    if (!eg_json_is_object(meta) || !eg_json_get_int(meta, "dtype", &number))
        return strange(r, name, "has no tensor_meta with a dtype");
    *dtype = dtype_of(number);
    if (*dtype == EG_DTYPE_COUNT)
        return unsupported(r, name, "other", eg_arena_printf(r->arena, "dtype %lld", (long long)number));
    if (eg_json_get(meta, "layout") && (!eg_json_get_int(meta, "layout", &layout) || layout != STRIDED))
        return unsupported(r, name, "sparse", eg_arena_printf(r->arena, "layout %lld", (long long)layout));
    const eg_json *start = eg_json_get(meta, "storage_offset");
    if (start && !read_number(r, start, name, "offset", &offset)) return false;
    if (!read_numbers(r, eg_json_get(meta, "sizes"), name, "size", &dims, &given->rank) ||
        !read_numbers(r, eg_json_get(meta, "strides"), name, "stride", &strides, &stride_rank))
        return false;
    if (given->rank != stride_rank)
        return eg_fail_id(r->err, EG_MALFORMED, "TEN-003", "tensor '%s': %u sizes but %u strides", name,
                          given->rank, stride_rank);
    given->dims = dims;
    given->strides = strides;
    given->offset = (uint64_t)offset;
    return true;
}

/* The storage that a record is; several tensors may share it. */
static bool find_storage(reader *r, const char *path, eg_torch_view *view)
{
    const char *key = eg_arena_printf(r->arena, "%s/%s", r->folder, path);
    int64_t known = r->torch.index ? eg_map_find(r->torch.index, key) : -1;
    const eg_zip_entry *entry = eg_torch_archive_find(r->archive, key);
    if (!entry)
        return eg_fail_id(r->err, EG_MALFORMED, "TEN-007", "storage '%s' is referenced but missing", key);
    view->storage = known < 0 ? r->torch.count : (size_t)known;
    view->numel = entry->full;
    if (known >= 0) return true;
    eg_torch_storage storage = {.key = key, .numel = entry->full, .read_as = EG_DTYPE_COUNT};
    storage.class = eg_storage_class_find("UntypedStorage");
    return eg_torch_storage_add(&r->torch, &storage, r->err) &&
           eg_torch_archive_attach(r->archive, entry, 1, r->torch.storages[view->storage].bytes);
}

static bool read_tensor(reader *r, const char *name, const eg_json *json, eg_entry *entry)
{
    bool pickled = false;
    eg_torch_given given = {0};
    eg_dtype dtype = EG_DTYPE_COUNT;
    const char *path = eg_json_get_string(json, "path_name");
    if (!path || !*path) return strange(r, name, "has no path_name");
    if (eg_json_get_bool(json, "use_pickle", &pickled) && pickled)
        return unsupported(r, name, "pickled", "a tensor subclass");
    if (!read_meta(r, eg_json_get(json, "tensor_meta"), name, &given, &dtype) ||
        !find_storage(r, path, &given.over))
        return false;
    given.over.numel /= eg_dtype_size(dtype);
    return eg_torch_place(&r->torch, &given, dtype, name, entry, r->err);
}

/* ---- a model's weights ---- */

static bool add_entry(reader *r, const eg_entry *entry)
{
    if (r->count >= MAX_TENSORS)
        return eg_fail_id(r->err, EG_MALFORMED, "PKL-011", "limit exceeded: %s (%llu > %llu)", "tensors",
                          (unsigned long long)MAX_TENSORS + 1, (unsigned long long)MAX_TENSORS);
    if (r->count == r->capacity) {
        r->capacity = r->capacity ? r->capacity * 2 : 256;
        eg_entry *more = EG_NEW_ARRAY(r->arena, eg_entry, r->capacity);
        if (r->count) memcpy(more, r->entries, r->count * sizeof *more);
        r->entries = more;
    }
    eg_map_add(r->names, entry->name, (int64_t)r->count);
    r->entries[r->count++] = *entry;
    return true;
}

/* What cannot be read is an error, or told of when the file is only inspected. */
static bool read_weight(reader *r, const char *name, const eg_json *json)
{
    eg_error why = {0}, *outer = r->err;
    eg_entry entry = {0};
    if (strlen(name) > MAX_NAME) return strange(r, "a name", "is longer than 4096 bytes");
    r->err = &why;
    bool ok = read_tensor(r, eg_arena_string(r->arena, name), json, &entry);
    r->err = outer;
    if (ok) return add_entry(r, &entry);
    eg_checkpoint_file *file = r->archive->file;
    if (!file->options.inspect || strcmp(why.id, "TEN-009") != 0)
        return eg_fail_id(r->err, why.code, why.id, "%s", why.text);
    eg_checkpoint_warn(r->arena, &file->checkpoint, "%s: %s", why.id, why.text);
    return true;
}

/* The object of a description; the caller frees it. */
static eg_json *parse_config(reader *r)
{
    const char *text;
    size_t length;
    if (!eg_torch_archive_text(r->archive, r->record, MAX_CONFIG, &text, &length)) return NULL;
    eg_json *json = text && strlen(text) == length ? eg_json_parse(text, NULL) : NULL;
    if (!json || !eg_json_is_object(json)) {
        eg_json_free(json);
        strange(r, "the whole text", "is no JSON object");
        return NULL;
    }
    return json;
}

static const eg_json *config_of(const eg_json *json)
{
    const eg_json *inner = eg_json_get(json, "config");
    return inner && !eg_json_get(inner, "path_name") ? inner : json;
}

typedef bool visitor(reader *r, const char *name, const eg_json *json);

/* Every pair of a description, whose payloads lie in a folder. */
static bool visit(reader *r, const char *record, const char *folder, visitor *each)
{
    r->record = record;
    r->folder = folder;
    eg_json *json = parse_config(r);
    const eg_json *config = json ? config_of(json) : NULL;
    bool ok = json != NULL;
    const char *name;
    const eg_json *weight;
    for (void *at = NULL; ok && eg_json_next(config, &at, &name, &weight);) ok = each(r, name, weight);
    eg_json_free(json);
    return ok;
}

/* A constant that is not asked for: what it is, among the values. Objects stay unread. */
static bool list_constant(reader *r, const char *name, const eg_json *json)
{
    eg_error why = {0}, *outer = r->err;
    eg_entry entry = {0};
    eg_checkpoint *out = &r->archive->file->checkpoint;
    if (out->value_count >= MAX_VALUES) return true;
    if (strlen(name) > MAX_NAME) return strange(r, "a name", "is longer than 4096 bytes");
    r->err = &why;
    bool ok = read_tensor(r, name, json, &entry);
    r->err = outer;
    if (!ok && strcmp(why.id, "TEN-009") != 0) return eg_fail_id(r->err, why.code, why.id, "%s", why.text);
    if (!out->values) out->values = EG_NEW_ARRAY(r->arena, eg_checkpoint_value, MAX_VALUES);
    ((eg_checkpoint_value *)out->values)[out->value_count++] =
        (eg_checkpoint_value){eg_arena_printf(r->arena, "constants.%s", name), ok ? "tensor" : "pickled",
                              ok ? eg_arena_printf(r->arena, "%s %s", eg_dtype_name(entry.dtype),
                                                   eg_shape_text(r->arena, entry.shape))
                                 : ""};
    return true;
}

/* ---- the archive ---- */

static const char *const endings[] = {"_weights_config.json", "_model_param_config.json"};

/* "archive/data/weights/MODEL_weights_config.json" gives MODEL; NULL for other records. */
static const char *model_of(reader *r, const char *record)
{
    const char *prefix = eg_arena_printf(r->arena, "%s/data/weights/", r->archive->folder);
    if (!eg_starts_with(record, prefix)) return NULL;
    const char *name = record + strlen(prefix);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (eg_ends_with(name, endings[i]))
            return eg_arena_substring(r->arena, name, strlen(name) - strlen(endings[i]));
    return NULL;
}

/* What `state_dict:` asks for: a model's weights or constants; model NULL: the only one's. */
typedef struct wish {
    const char *model;
    bool constants;
} wish;

static wish read_wish(reader *r)
{
    const char *path = r->archive->file->options.state_dict;
    if (!path || !*path || strcmp(path, ".") == 0) return (wish){NULL, false};
    if (strcmp(path, "constants") == 0) return (wish){NULL, true};
    if (!eg_ends_with(path, ".constants")) return (wish){path, false};
    return (wish){eg_arena_substring(r->arena, path, strlen(path) - strlen(".constants")), true};
}

/* The one model, or the one that was asked for, and its description. */
static bool choose_model(reader *r, wish wanted, const char **model, const char **record)
{
    const eg_zip *zip = &r->archive->zip;
    eg_buf models = {0};
    size_t count = 0;
    for (size_t i = 0; i < zip->count; i++) {
        const char *one = model_of(r, zip->entries[i].name);
        if (!one || (wanted.model && strcmp(wanted.model, one) != 0)) continue;
        eg_buf_printf(&models, "%s%s", count++ ? ", " : "", one);
        *record = zip->entries[i].name + strlen(r->archive->folder) + 1;
        *model = one;
    }
    if (count > 1)
        eg_fail_id(r->err, EG_RECIPE, "SEL-001", "several state dicts: %s; set `state_dict:` in the recipe",
                   models.data);
    else if (count == 0 && wanted.model)
        eg_fail_id(r->err, EG_RECIPE, "SEL-003",
                   "the file has no '%s' (it is a torch.export archive; its models "
                   "have weights of their own)",
                   wanted.model);
    else if (count == 0)
        eg_fail_id(r->err, EG_MALFORMED, "SEL-002", "no tensors found (top-level keys: %s)",
                   "none, it is a torch.export archive without weights");
    eg_buf_clear(&models);
    return count == 1;
}

/* The weights or the constants become the store; constants that nobody asked for are listed. */
static bool read_model(reader *r)
{
    static const char weights[] = "data/weights", constants[] = "data/constants";
    wish wanted = read_wish(r);
    const char *model = "", *record = NULL;
    eg_checkpoint_file *file = r->archive->file;
    if (!choose_model(r, wanted, &model, &record)) return false;
    const char *other = eg_arena_printf(r->arena, "%s/%s_constants_config.json", constants, model);
    bool present = eg_torch_archive_find(r->archive, other) != NULL;
    if (wanted.model || wanted.constants)
        file->checkpoint.state_dict = eg_arena_string(r->arena, file->options.state_dict);
    if (wanted.constants && !present)
        return eg_fail_id(r->err, EG_RECIPE, "SEL-003",
                          "the file has no '%s' (the model '%s' has no constants)", file->options.state_dict,
                          model);
    if (wanted.constants) return visit(r, other, constants, read_weight);
    return visit(r, record, weights, read_weight) && (!present || visit(r, other, constants, list_constant));
}

static bool read_archive(reader *r)
{
    const char *format;
    size_t length;
    if (!eg_torch_archive_text(r->archive, "archive_format", 64, &format, &length)) return false;
    r->record = "archive_format";
    if (!format || !eg_starts_with(format, "pt2")) return strange(r, format ? format : "", "is not pt2");
    if (!eg_torch_archive_check(r->archive) || !read_model(r)) return false;
    eg_checkpoint *out = &r->archive->file->checkpoint;
    out->store = (eg_store){.entries = r->entries, .count = r->count, .index = r->names};
    return true;
}

bool eg_torch_pt2_read(eg_checkpoint_file *file, eg_error *err)
{
    file->checkpoint.format = "pt2";
    eg_torch_archive *a = eg_torch_archive_open(file, err);
    if (!a) return false;
    reader r = {.archive = a, .arena = &file->arena, .err = err};
    r.torch = (eg_torch){.arena = r.arena, .allow_expand = file->options.allow_expand};
    r.names = eg_map_new(r.arena);
    bool ok = read_archive(&r);
    a->err = NULL; /* the caller's error does not outlive this call */
    return ok;
}
