#include "format/npy.h"

#include <string.h>

#include "base/str.h"
#include "format/cursor.h"
#include "format/state_dict.h"

enum { MAX_HEADER = 10000, MAX_RANK = 64, ALIGNMENT = 64, PREFIX = 10 };

/* Types by numpy's letter and size. */
static const struct {
    char kind, size[3];
    eg_dtype dtype;
} types[] = {
    {'f', "4", EG_F32}, {'f', "8", EG_F64}, {'f', "2", EG_F16},  {'V', "2", EG_BF16}, {'i', "8", EG_I64},
    {'i', "4", EG_I32}, {'i', "2", EG_I16}, {'i', "1", EG_I8},   {'u', "8", EG_U64},  {'u', "4", EG_U32},
    {'u', "2", EG_U16}, {'u', "1", EG_U8},  {'b', "1", EG_BOOL}, {'c', "8", EG_C64},  {'c', "16", EG_C128},
};

typedef struct parser {
    eg_arena *arena;
    const char *name; /* of the array */
    eg_cursor in;     /* over the whole header */
    eg_npy *npy;
    bool fortran;
    eg_error *err;
} parser;

static bool bad(parser *p, const char *why)
{
    return eg_fail_id(p->err, EG_MALFORMED, "NPY-001",
                      "array '%s': the header is not numpy's at byte %llu: %s", p->name,
                      (unsigned long long)p->in.at, why);
}

/* ---- the literal ---- */

static int skip_blanks(parser *p)
{
    while (p->in.at < p->in.size && strchr(" \t\n", p->in.bytes[p->in.at]) && p->in.bytes[p->in.at])
        p->in.at++;
    return p->in.at < p->in.size ? p->in.bytes[p->in.at] : -1;
}

static bool expect(parser *p, char c)
{
    if (skip_blanks(p) != c) return bad(p, eg_arena_printf(p->arena, "expected %c", c));
    p->in.at++;
    return true;
}

/* A text in either quotes, without escapes: no name or type has any. */
static bool read_text(parser *p, const char **text)
{
    int quote = skip_blanks(p);
    if (quote != '\'' && quote != '"') return bad(p, "expected a text in quotes");
    const uint8_t *start = p->in.bytes + p->in.at + 1;
    const uint8_t *end = memchr(start, quote, eg_cursor_left(&p->in) - 1);
    if (!end || memchr(start, '\\', (size_t)(end - start))) return bad(p, "expected a text without escapes");
    *text = eg_printable(p->arena, (const char *)start, (size_t)(end - start));
    p->in.at += (uint64_t)(end - start) + 2;
    return true;
}

static bool read_word(parser *p, const char *word)
{
    size_t n = strlen(word);
    skip_blanks(p);
    if (eg_cursor_left(&p->in) < n || memcmp(p->in.bytes + p->in.at, word, n) != 0) return false;
    p->in.at += n;
    return true;
}

eg_dtype eg_npy_dtype(const char *descr)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (descr[0] && types[i].kind == descr[1] && strcmp(types[i].size, descr + 2) == 0)
            return types[i].dtype;
    return EG_DTYPE_COUNT;
}

/* A list of fields describes a structured array; its brackets are counted, not understood. */
static bool skip_fields(parser *p)
{
    const char *text;
    int depth = 0;
    p->npy->descr = "structured";
    p->npy->dtype = EG_DTYPE_COUNT;
    do {
        int c = skip_blanks(p);
        if (c < 0) return bad(p, "the list of fields does not end");
        if (c == '\'' || c == '"') {
            if (!read_text(p, &text)) return false;
            continue;
        }
        depth += (c == '[' || c == '(') - (c == ']' || c == ')');
        p->in.at++;
    } while (depth > 0);
    return true;
}

static bool read_descr(parser *p)
{
    const char *descr = "";
    if (skip_blanks(p) == '[') return skip_fields(p);
    if (!read_text(p, &descr)) return false;
    size_t length = strlen(descr);
    if (length < 2 || !strchr("<>|=", descr[0])) return bad(p, "expected a type such as <f4");
    p->npy->descr = descr;
    p->npy->dtype = eg_npy_dtype(descr);
    p->npy->big_endian = descr[0] == '>';
    return true;
}

static bool read_order(parser *p)
{
    p->fortran = read_word(p, "True");
    return p->fortran || read_word(p, "False") || bad(p, "expected True or False");
}

static bool overflows(parser *p)
{
    return eg_fail_id(p->err, EG_MALFORMED, "TEN-004", "tensor '%s': size overflows 64 bits", p->name);
}

/* Python 2 wrote an L after long numbers. */
static bool read_dim(parser *p, int64_t *dim)
{
    int c = skip_blanks(p);
    *dim = 0;
    if (c < '0' || c > '9') return bad(p, "expected a whole number");
    for (; p->in.at < p->in.size && (c = p->in.bytes[p->in.at]) >= '0' && c <= '9'; p->in.at++)
        if (__builtin_mul_overflow(*dim, 10, dim) || __builtin_add_overflow(*dim, c - '0', dim))
            return overflows(p);
    if (c == 'L' && p->in.at < p->in.size) p->in.at++;
    return true;
}

static bool read_shape(parser *p)
{
    int64_t dims[MAX_RANK];
    uint32_t rank = 0;
    bool comma = true;
    if (!expect(p, '(')) return false;
    while (skip_blanks(p) != ')') {
        if (!comma) return bad(p, "expected , or )");
        if (rank == MAX_RANK)
            return eg_fail_id(p->err, EG_MALFORMED, "TEN-009",
                              "tensor '%s': %s tensors are not supported (%s)", p->name,
                              "more than 64-dimensional", "engraft goes to 64");
        if (!read_dim(p, &dims[rank++])) return false;
        comma = skip_blanks(p) == ',';
        if (comma) p->in.at++;
    }
    p->in.at++;
    if (rank == 1 && !comma) return bad(p, "expected a tuple, which one number alone is not");
    p->npy->shape = eg_shape_copy(p->arena, dims, rank);
    return true;
}

static bool read_dict(parser *p)
{
    static const struct {
        const char *key;
        bool (*read)(parser *p);
    } members[] = {{"descr", read_descr}, {"fortran_order", read_order}, {"shape", read_shape}};
    bool seen[3] = {0}, comma = true;
    if (!expect(p, '{')) return false;
    while (skip_blanks(p) != '}') {
        const char *key = "";
        int i = 0;
        if (!comma) return bad(p, "expected , or }");
        if (!read_text(p, &key)) return false;
        while (i < 3 && strcmp(members[i].key, key) != 0) i++;
        if (i == 3 || seen[i]) return bad(p, "expected each of descr, fortran_order and shape once");
        seen[i] = true;
        if (!expect(p, ':') || !members[i].read(p)) return false;
        comma = skip_blanks(p) == ',';
        if (comma) p->in.at++;
    }
    p->in.at++;
    if (!seen[0] || !seen[1] || !seen[2])
        return bad(p, "expected each of descr, fortran_order and shape once");
    return skip_blanks(p) < 0 || bad(p, "more text after the closing brace");
}

/* ---- what it says ---- */

/* Column-major: the first index moves fastest. Sizes have been checked. */
static const int64_t *fortran_strides(eg_arena *arena, eg_shape shape)
{
    int64_t *strides = EG_NEW_ARRAY(arena, int64_t, shape.rank), next = 1;
    for (uint32_t i = 0; i < shape.rank; i++) {
        strides[i] = next;
        next *= shape.dims[i] ? shape.dims[i] : 1;
    }
    return strides;
}

static bool check(parser *p)
{
    eg_npy *npy = p->npy;
    uint64_t numel = 0;
    if (npy->dtype == EG_DTYPE_COUNT) return true;
    if (!eg_shape_numel(npy->shape, &numel) ||
        __builtin_mul_overflow(numel, eg_dtype_size(npy->dtype), &npy->bytes))
        return overflows(p);
    if (p->fortran && npy->shape.rank > 1 && numel) npy->strides = fortran_strides(p->arena, npy->shape);
    return true;
}

bool eg_npy_parse(eg_npy *npy, eg_arena *arena, const char *name, const uint8_t *bytes, uint64_t size,
                  eg_error *err)
{
    parser p = {
        .arena = arena, .name = eg_printable(arena, name, strnlen(name, 200)), .npy = npy, .err = err};
    p.in = eg_cursor_over(bytes, size);
    *npy = (eg_npy){.dtype = EG_DTYPE_COUNT};
    const uint8_t *magic = eg_cursor_take(&p.in, 6);
    uint8_t major = eg_cursor_u8(&p.in), minor = eg_cursor_u8(&p.in);
    if (p.in.failed || memcmp(magic, "\x93NUMPY", 6) != 0) return bad(&p, "expected the bytes 93 NUMPY");
    if (major < 1 || major > 3 || minor) return bad(&p, "expected version 1.0, 2.0 or 3.0");
    uint32_t length = major == 1 ? eg_cursor_u16(&p.in) : eg_cursor_u32(&p.in);
    if (p.in.failed) return bad(&p, "the file ends in the header");
    if (length > MAX_HEADER) return bad(&p, "the header is longer than 10000 bytes, numpy's own limit");
    if (length > eg_cursor_left(&p.in)) return bad(&p, "the file ends in the header");
    npy->size = p.in.at + length;
    p.in.size = npy->size;
    return read_dict(&p) && check(&p);
}

bool eg_npy_unsupported(const eg_npy *npy, const char *name, eg_error *err)
{
    bool object = strlen(npy->descr) > 1 && npy->descr[1] == 'O';
    return eg_fail_id(
        err, EG_MALFORMED, "TEN-009", "tensor '%s': %s tensors are not supported (%s)", name, npy->descr,
        object ? "an array of Python objects is a pickle" : "expected numbers that engraft knows");
}

/* ---- writing ---- */

const char *eg_npy_header(eg_arena *arena, eg_dtype dtype, eg_shape shape, size_t *size)
{
    size_t i = 0;
    while (i < sizeof types / sizeof *types && types[i].dtype != dtype) i++;
    if (i == sizeof types / sizeof *types) return NULL;
    eg_buf text = {0};
    bool ordered = eg_dtype_size(dtype) > 1 && types[i].kind != 'V';
    eg_buf_add(&text, "\x93NUMPY\1\0\0\0", PREFIX);
    eg_buf_printf(&text, "{'descr': '%c%c%s', 'fortran_order': False, 'shape': (", ordered ? '<' : '|',
                  types[i].kind, types[i].size);
    for (uint32_t d = 0; d < shape.rank; d++)
        eg_buf_printf(&text, "%s%lld%s", d ? " " : "", (long long)shape.dims[d],
                      d + 1 < shape.rank || shape.rank == 1 ? "," : "");
    eg_buf_puts(&text, "), }");
    while ((text.length + 1) % ALIGNMENT) eg_buf_puts(&text, " ");
    eg_buf_puts(&text, "\n");
    *size = text.length;
    text.data[8] = (char)((text.length - PREFIX) & 0xFF);
    text.data[9] = (char)((text.length - PREFIX) >> 8);
    return eg_buf_take(&text, arena);
}

/* ---- one array in a file ---- */

bool eg_npy_read(eg_checkpoint_file *file, eg_error *err)
{
    eg_arena *arena = &file->arena;
    const eg_mapping *m = &file->mapping;
    eg_entry *entry = EG_NEW(arena, eg_entry);
    eg_storage *storage = EG_NEW(arena, eg_storage);
    eg_npy npy;
    file->checkpoint.format = "npy";
    if (!eg_npy_parse(&npy, arena, "arr_0", m->bytes, m->size, err)) return false;
    if (npy.dtype == EG_DTYPE_COUNT) return eg_npy_unsupported(&npy, "arr_0", err);
    if (npy.bytes > m->size - npy.size)
        return eg_fail_id(err, EG_MALFORMED, "NPY-002", "array '%s': %llu bytes for %s%s, expected %llu",
                          "arr_0", (unsigned long long)(m->size - npy.size), npy.descr,
                          eg_shape_text(arena, npy.shape), (unsigned long long)npy.bytes);
    if (npy.bytes < m->size - npy.size)
        eg_checkpoint_warn(arena, &file->checkpoint, "%llu bytes after the array were not read",
                           (unsigned long long)(m->size - npy.size - npy.bytes));
    *storage = (eg_storage){.key = "arr_0",
                            .bytes = m->bytes + npy.size,
                            .size = npy.bytes,
                            .fd = m->fd,
                            .file_offset = npy.size,
                            .big_endian = npy.big_endian};
    *entry = (eg_entry){
        .name = "arr_0", .dtype = npy.dtype, .shape = npy.shape, .strides = npy.strides, .storage = storage};
    file->checkpoint.store = (eg_store){.entries = entry, .count = 1};
    eg_store_index(&file->checkpoint.store, arena);
    return true;
}
