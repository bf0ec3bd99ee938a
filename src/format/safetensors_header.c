#include "format/safetensors_header.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/str.h"
#include "format/cursor.h"

enum {
    MAX_DEPTH = 8,
    MAX_RANK = 64,
    MAX_TENSORS = 1000 * 1000,
    MAX_NAME = 4096,
    MAX_SHOWN = 200,
    MAX_UNKNOWN = 50 * 1000
};

const eg_safetensors_type eg_safetensors_types[EG_SAFETENSORS_TYPE_COUNT] = {
    {"U64", 64, EG_U64},
    {"I64", 64, EG_I64},
    {"F64", 64, EG_F64},
    {"C64", 64, EG_C64},
    {"F32", 32, EG_F32},
    {"U32", 32, EG_U32},
    {"I32", 32, EG_I32},
    {"BF16", 16, EG_BF16},
    {"F16", 16, EG_F16},
    {"U16", 16, EG_U16},
    {"I16", 16, EG_I16},
    {"F8_E5M2FNUZ", 8, EG_F8_E5M2FNUZ},
    {"F8_E4M3FNUZ", 8, EG_F8_E4M3FNUZ},
    {"F8_E8M0", 8, EG_F8_E8M0},
    {"F8_E4M3", 8, EG_F8_E4M3},
    {"F8_E5M2", 8, EG_F8_E5M2},
    {"I8", 8, EG_I8},
    {"U8", 8, EG_U8},
    {"F6_E3M2", 6, EG_DTYPE_COUNT},
    {"F6_E2M3", 6, EG_DTYPE_COUNT},
    {"F4", 4, EG_DTYPE_COUNT},
    {"BOOL", 8, EG_BOOL},
};

typedef struct parser {
    eg_arena *arena;
    eg_arena scratch; /* sets of keys */
    eg_cursor in;
    eg_safetensors_header *header;
    eg_buf tensors, metadata; /* growing lists of their structs */
    unsigned unknown;         /* keys that the format does not know, so far */
    eg_error *err;
} parser;

/* ---- JSON ---- */

static bool bad_at(parser *p, uint64_t at, const char *why)
{
    return eg_fail_id(p->err, EG_MALFORMED, "STF-002", "header is not valid UTF-8 / JSON at byte %llu: %s",
                      (unsigned long long)at, why);
}

static bool bad(parser *p, const char *why)
{
    return bad_at(p, p->in.at, p->in.at < p->in.size ? why : "the header ends here");
}

/* The next byte without taking it; -1 at the end. */
static int peek(const parser *p)
{
    return p->in.at < p->in.size ? p->in.bytes[p->in.at] : -1;
}

static int skip_blanks(parser *p)
{
    int c;
    while ((c = peek(p)) == ' ' || c == '\t' || c == '\r' || c == '\n') p->in.at++;
    return c;
}

static bool expect(parser *p, char c, const char *why)
{
    if (skip_blanks(p) != c) return bad(p, why);
    p->in.at++;
    return true;
}

static bool read_hex(parser *p, uint32_t *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++, p->in.at++) {
        int c = peek(p), low = c | 0x20;
        if ((c < '0' || c > '9') && (low < 'a' || low > 'f' || c < 0))
            return bad(p, "expected four hex digits");
        *code = *code << 4 | (uint32_t)(c <= '9' ? c - '0' : low - 'a' + 10);
    }
    return true;
}

static char *put_utf8(char *out, uint32_t code)
{
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    int length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (int i = length; i-- > 1; code >>= 6) out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)(lead[length > 1 ? length : 0] | code);
    return out + length;
}

/* \uXXXX, or two of them that make a pair of surrogates; p stands after the 'u'. */
static bool read_code_point(parser *p, uint32_t *code)
{
    uint64_t at = p->in.at;
    uint32_t low = 0;
    if (!read_hex(p, code)) return false;
    if (*code == 0) return bad_at(p, at, "a zero character in a text");
    if (*code < 0xD800 || *code > 0xDFFF) return true;
    bool pair = *code < 0xDC00 && p->in.size - p->in.at >= 6 && p->in.bytes[p->in.at] == '\\' &&
                p->in.bytes[p->in.at + 1] == 'u';
    if (!pair) return bad_at(p, at, "half of a surrogate pair");
    p->in.at += 2;
    if (!read_hex(p, &low)) return false;
    if (low < 0xDC00 || low > 0xDFFF) return bad_at(p, at, "half of a surrogate pair");
    *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
    return true;
}

static bool read_escape(parser *p, char **out)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    uint32_t code;
    int c = peek(p);
    const char *name = c > 0 ? strchr(names, c) : NULL;
    if (name) *(*out)++ = values[name - names];
    if (!name && c != 'u') return bad(p, "unknown escape");
    p->in.at++;
    if (name) return true;
    if (!read_code_point(p, &code)) return false;
    *out = put_utf8(*out, code);
    return true;
}

/* Where the text that starts at p's position ends: its closing quote. */
static bool find_quote(parser *p, uint64_t *end)
{
    for (uint64_t at = p->in.at; at < p->in.size; at++) {
        uint8_t c = p->in.bytes[at];
        if (c < 0x20) return bad_at(p, at, "a control character in a text");
        if (c == '\\') at++;
        *end = at;
        if (c == '"') return true;
    }
    return bad_at(p, p->in.size, "a text without a closing quote");
}

/* A text, unescaped, into the arena. A decoded text is never longer than it stands in the file. */
static bool read_text(parser *p, const char **text)
{
    uint64_t end = 0;
    if (!expect(p, '"', "expected a text in quotes") || !find_quote(p, &end)) return false;
    uint64_t start = p->in.at;
    if (!eg_is_utf8((const char *)p->in.bytes + start, end - start))
        return bad_at(p, start, "a text that is not UTF-8");
    char *out = eg_arena_alloc(p->arena, end - start + 1);
    *text = out;
    while (p->in.at < end) {
        uint8_t c = p->in.bytes[p->in.at++];
        if (c != '\\')
            *out++ = (char)c;
        else if (!read_escape(p, &out))
            return false;
    }
    p->in.at = end + 1;
    return true;
}

/* Digits alone: a sign, a fraction, an exponent or a leading zero would be understood differently elsewhere.
 */
static bool read_number(parser *p, uint64_t *value)
{
    int c = skip_blanks(p);
    uint64_t start = p->in.at;
    *value = 0;
    if (c < '0' || c > '9') return bad(p, "expected a whole number");
    for (; (c = peek(p)) >= '0' && c <= '9'; p->in.at++)
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, (uint64_t)(c - '0'), value))
            return bad_at(p, start, "the number does not fit 64 bits");
    if (c == '.' || c == 'e' || c == 'E')
        return bad(p, "expected a whole number without fraction or exponent");
    if (p->in.bytes[start] == '0' && p->in.at - start > 1)
        return bad_at(p, start, "a number with a leading zero");
    return true;
}

/* A name as it may stand in a message. */
static const char *shown(const parser *p, const char *name)
{
    return eg_printable(p->arena, name, strnlen(name, MAX_SHOWN));
}

static bool is_duplicate(parser *p, const char *key)
{
    return eg_fail_id(p->err, EG_MALFORMED, "STF-003", "duplicate key '%s'", shown(p, key));
}

/* False and STF-003 when the set has the key already; the set is made on first use. */
static bool is_new(parser *p, eg_map **set, const char *key)
{
    if (!*set) *set = eg_map_new(&p->scratch);
    if (eg_map_add(*set, key, 1)) return true;
    return is_duplicate(p, key);
}

/* After an item of an object or a list: true in *more when a comma follows, else the closing bracket is
 * taken. */
static bool read_separator(parser *p, char closing, bool *more)
{
    int c = skip_blanks(p);
    *more = c == ',';
    if (c != ',' && c != closing) return bad(p, closing == '}' ? "expected , or }" : "expected , or ]");
    p->in.at++;
    return true;
}

/* The opening bracket; *more is false when the closing one follows at once, which is then taken too. */
static bool read_opening(parser *p, char opening, char closing, bool *more)
{
    if (!expect(p, opening, opening == '{' ? "expected an object" : "expected a list")) return false;
    *more = skip_blanks(p) != closing;
    if (!*more) p->in.at++;
    return true;
}

static bool read_key(parser *p, const char **key)
{
    return read_text(p, key) && expect(p, ':', "expected : after the key");
}

/* ---- values under keys that the format does not know ---- */

static bool skip_value(parser *p, unsigned depth);

static bool skip_word(parser *p)
{
    static const char *const words[] = {"true", "false", "null"};
    for (int i = 0; i < 3; i++) {
        size_t n = strlen(words[i]);
        if (p->in.size - p->in.at < n || memcmp(p->in.bytes + p->in.at, words[i], n) != 0) continue;
        p->in.at += n;
        return true;
    }
    return bad(p, "expected a value");
}

static bool skip_digits(parser *p)
{
    uint64_t start = p->in.at;
    while (peek(p) >= '0' && peek(p) <= '9') p->in.at++;
    return p->in.at > start || bad(p, "expected a digit");
}

static bool skip_number(parser *p)
{
    if (peek(p) == '-') p->in.at++;
    if (peek(p) == '0')
        p->in.at++;
    else if (!skip_digits(p))
        return false;
    if (peek(p) == '.') {
        p->in.at++;
        if (!skip_digits(p)) return false;
    }
    if (peek(p) != 'e' && peek(p) != 'E') return true;
    p->in.at++;
    if (peek(p) == '+' || peek(p) == '-') p->in.at++;
    return skip_digits(p);
}

/* Each set of keys costs memory, so their number is bounded. */
static bool is_first(parser *p, eg_map **keys, const char *key)
{
    return ++p->unknown <= MAX_UNKNOWN ? is_new(p, keys, key)
                                       : bad(p, "too many keys that the format does not know");
}

static bool skip_items(parser *p, bool object, unsigned depth)
{
    char opening = object ? '{' : '[', closing = object ? '}' : ']';
    eg_map *keys = NULL;
    const char *key = "";
    bool more;
    if (!read_opening(p, opening, closing, &more)) return false;
    while (more)
        if ((object && (!read_key(p, &key) || !is_first(p, &keys, key))) || !skip_value(p, depth + 1) ||
            !read_separator(p, closing, &more))
            return false;
    return true;
}

static bool skip_value(parser *p, unsigned depth)
{
    const char *text;
    int c = skip_blanks(p);
    if (depth > MAX_DEPTH) return bad(p, "nested deeper than 8");
    if (c == '"') return read_text(p, &text);
    if (c == '{' || c == '[') return skip_items(p, c == '{', depth);
    return c == '-' || (c >= '0' && c <= '9') ? skip_number(p) : skip_word(p);
}

/* ---- the header's own values ---- */

static bool read_metadata(parser *p)
{
    eg_map *keys = NULL;
    bool more;
    if (skip_blanks(p) == 'n') return skip_word(p);
    if (!read_opening(p, '{', '}', &more)) return false;
    while (more) {
        eg_safetensors_pair pair = {"", ""};
        if (!read_key(p, &pair.key) || !is_new(p, &keys, pair.key)) return false;
        if (skip_blanks(p) != '"') return bad(p, "expected a text: metadata maps texts to texts");
        if (!read_text(p, &pair.value) || !read_separator(p, '}', &more)) return false;
        eg_buf_add(&p->metadata, &pair, sizeof pair);
    }
    return true;
}

static bool read_type(parser *p, eg_safetensors_tensor *tensor)
{
    const char *name = "";
    if (!read_text(p, &name)) return false;
    for (int i = 0; i < EG_SAFETENSORS_TYPE_COUNT && !tensor->type; i++)
        if (strcmp(eg_safetensors_types[i].name, name) == 0) tensor->type = &eg_safetensors_types[i];
    if (tensor->type) return true;
    return eg_fail_id(p->err, EG_MALFORMED, "STF-004", "tensor '%s': unknown dtype '%s'",
                      shown(p, tensor->name), shown(p, name));
}

static bool overflows(parser *p, const char *name)
{
    return eg_fail_id(p->err, EG_MALFORMED, "TEN-004", "tensor '%s': size overflows 64 bits", shown(p, name));
}

static bool read_shape(parser *p, eg_safetensors_tensor *tensor)
{
    int64_t dims[MAX_RANK];
    uint64_t dim;
    bool more;
    uint32_t rank = 0;
    if (!read_opening(p, '[', ']', &more)) return false;
    while (more) {
        if (!read_number(p, &dim) || !read_separator(p, ']', &more)) return false;
        if (dim > INT64_MAX) return overflows(p, tensor->name);
        if (rank == MAX_RANK)
            return eg_fail_id(p->err, EG_MALFORMED, "TEN-009",
                              "tensor '%s': %s tensors are not supported (%s)", shown(p, tensor->name),
                              "more than 64-dimensional", "engraft goes to 64");
        dims[rank++] = (int64_t)dim;
    }
    tensor->shape = eg_shape_copy(p->arena, dims, rank);
    return true;
}

static bool read_offsets(parser *p, eg_safetensors_tensor *tensor)
{
    return expect(p, '[', "expected a list of two offsets") && read_number(p, &tensor->begin) &&
           expect(p, ',', "expected a list of two offsets") && read_number(p, &tensor->end) &&
           expect(p, ']', "expected a list of two offsets");
}

static bool skip_unknown(parser *p, const char *key, eg_map **keys)
{
    if (!p->header->unknown) p->header->unknown = eg_printable(p->arena, key, strnlen(key, 80));
    return is_first(p, keys, key) && skip_value(p, 3);
}

static bool read_tensor(parser *p, const char *name)
{
    static const struct {
        const char *key;
        bool (*read)(parser *p, eg_safetensors_tensor *tensor);
    } members[] = {{"dtype", read_type}, {"shape", read_shape}, {"data_offsets", read_offsets}};
    eg_safetensors_tensor tensor = {.name = name};
    eg_map *unknown = NULL;
    const char *key = "";
    bool seen[3] = {0}, more;
    uint64_t start = p->in.at;
    if (!read_opening(p, '{', '}', &more)) return false;
    while (more) {
        int i = 0;
        if (!read_key(p, &key)) return false;
        while (i < 3 && strcmp(members[i].key, key) != 0) i++;
        if (i < 3 && seen[i]) return is_duplicate(p, key);
        if (i < 3) seen[i] = true;
        if (!(i < 3 ? members[i].read(p, &tensor) : skip_unknown(p, key, &unknown)) ||
            !read_separator(p, '}', &more))
            return false;
    }
    for (int i = 0; i < 3; i++)
        if (!seen[i])
            return bad_at(p, start,
                          eg_arena_printf(p->arena, "tensor '%s' has no %s", shown(p, name), members[i].key));
    eg_buf_add(&p->tensors, &tensor, sizeof tensor);
    return true;
}

static bool check_name(parser *p, const char *name)
{
    if (strlen(name) > MAX_NAME) return bad(p, "a name longer than 4096 bytes");
    if (p->tensors.length / sizeof(eg_safetensors_tensor) < MAX_TENSORS) return true;
    return eg_fail_id(p->err, EG_MALFORMED, "PKL-011", "limit exceeded: %s (%llu > %llu)", "tensors",
                      (unsigned long long)MAX_TENSORS + 1, (unsigned long long)MAX_TENSORS);
}

static bool read_members(parser *p)
{
    eg_map *names = NULL;
    bool more;
    p->header->blank_first = peek(p) != '{';
    skip_blanks(p);
    if (!read_opening(p, '{', '}', &more)) return false;
    while (more) {
        const char *key = "";
        if (!read_key(p, &key) || !is_new(p, &names, key) || !check_name(p, key)) return false;
        bool ok = strcmp(key, "__metadata__") == 0 ? read_metadata(p) : read_tensor(p, key);
        if (!ok || !read_separator(p, '}', &more)) return false;
    }
    return skip_blanks(p) < 0 || bad(p, "more text after the closing brace");
}

/* ---- what the members must add up to ---- */

/* Zero-sized tensors first where several start together. */
static int by_offset(const void *a, const void *b)
{
    const eg_safetensors_tensor *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return strcmp(x->name, y->name);
}

static bool gap(parser *p, const eg_safetensors_tensor *t, uint64_t at, const char *more)
{
    return eg_fail_id(p->err, EG_MALFORMED, "STF-005",
                      "tensor '%s': offsets [%llu,%llu) leave a hole or overlap at %llu%s", shown(p, t->name),
                      (unsigned long long)t->begin, (unsigned long long)t->end, (unsigned long long)at, more);
}

/* The product in the order of the dimensions, as the reference implementation forms it: a zero at the end
 * does not mend an overflow. */
static bool bit_size(const eg_safetensors_tensor *t, uint64_t *bits)
{
    *bits = 1;
    for (uint32_t i = 0; i < t->shape.rank; i++)
        if (__builtin_mul_overflow(*bits, (uint64_t)t->shape.dims[i], bits)) return false;
    return !__builtin_mul_overflow(*bits, t->type->bits, bits);
}

static bool check_size(parser *p, const eg_safetensors_tensor *t)
{
    uint64_t bits;
    if (!bit_size(t, &bits)) return overflows(p, t->name);
    if (bits % 8 == 0 && bits / 8 == t->end - t->begin) return true;
    return eg_fail_id(p->err, EG_MALFORMED, "STF-006", "tensor '%s': %llu bytes for %s%s, expected %llu%s",
                      shown(p, t->name), (unsigned long long)(t->end - t->begin), t->type->name,
                      eg_shape_text(p->arena, t->shape), (unsigned long long)(bits / 8),
                      bits % 8 ? " and a part of one: the elements do not fill whole bytes" : "");
}

static bool check_cover(parser *p, const eg_safetensors_tensor *sorted, size_t count, uint64_t size)
{
    uint64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const eg_safetensors_tensor *t = &sorted[i];
        if (t->begin != at || t->end < t->begin) return gap(p, t, at, "");
        if (!check_size(p, t)) return false;
        if (t->end > size) return gap(p, t, size, ": the file ends there, it is incomplete");
        at = t->end;
    }
    if (at == size) return true;
    return eg_fail_id(p->err, EG_MALFORMED, "STF-007", "%llu bytes after the last tensor",
                      (unsigned long long)(size - at));
}

static bool check(parser *p, uint64_t size)
{
    const eg_safetensors_header *header = p->header;
    eg_safetensors_tensor *sorted = eg_malloc(eg_size_product(header->count, sizeof *sorted));
    for (size_t i = 0; i < header->count; i++) sorted[i] = header->tensors[i];
    if (header->count) qsort(sorted, header->count, sizeof *sorted, by_offset);
    bool ok = check_cover(p, sorted, header->count, size);
    free(sorted);
    return ok;
}

static bool too_long(eg_error *err, uint64_t length, const char *what, uint64_t most)
{
    return eg_fail_id(err, EG_MALFORMED, "STF-001", "header length %llu exceeds %s (%llu)",
                      (unsigned long long)length, what, (unsigned long long)most);
}

bool eg_safetensors_header_parse(eg_safetensors_header *header, eg_arena *arena, const uint8_t *bytes,
                                 uint64_t size, eg_error *err)
{
    eg_cursor file = eg_cursor_over(bytes, size);
    uint64_t length = eg_cursor_u64(&file);
    *header = (eg_safetensors_header){0};
    if (file.failed) return too_long(err, sizeof length, "the file's size", size);
    if (length > EG_SAFETENSORS_MAX_HEADER)
        return too_long(err, length, "the limit", EG_SAFETENSORS_MAX_HEADER);
    if (length > size - file.at) return too_long(err, length, "what the file has left", size - file.at);
    parser p = {.arena = arena, .in = eg_cursor_over(bytes + file.at, length), .header = header, .err = err};
    bool ok = read_members(&p);
    header->size = file.at + length;
    header->count = p.tensors.length / sizeof *header->tensors;
    header->tensors = eg_arena_copy(arena, p.tensors.data, p.tensors.length);
    header->metadata_count = p.metadata.length / sizeof *header->metadata;
    header->metadata = eg_arena_copy(arena, p.metadata.data, p.metadata.length);
    eg_buf_clear(&p.tensors);
    eg_buf_clear(&p.metadata);
    eg_arena_clear(&p.scratch);
    return ok && check(&p, size - header->size);
}
