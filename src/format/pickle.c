#include "format/pickle.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/str.h"
#include "format/cursor.h"
#include "format/torch_global.h"

/* Work and memory are bounded by these, never by what the file claims. */
enum {
    MAX_NODES = 50 * 1000 * 1000,
    MAX_OPCODES = 100 * 1000 * 1000,
    MAX_STACK = 1000 * 1000,
    MAX_STRING = 64 << 20,
    MAX_DEPTH = 1000,
};

typedef struct memo_slot {
    uint32_t index;
    eg_ref ref; /* 0: empty */
} memo_slot;

typedef struct machine {
    eg_pickle *pickle;
    eg_cursor in;
    uint64_t at; /* offset of the current opcode */
    const struct opcode *op;
    eg_ref *stack;
    size_t height, stack_capacity;
    size_t *marks; /* stack heights */
    size_t mark_count, mark_capacity;
    memo_slot *memo;
    size_t memo_count, memo_capacity; /* capacity: a power of two */
    uint64_t frame_start, frame_end;  /* frame_end 0: none */
    bool stopped;
    eg_error *err;
} machine;

/* What follows an opcode in the stream. */
typedef enum operand_kind {
    NOTHING,
    NUMBER_1,
    NUMBER_2,
    NUMBER_4,
    NUMBER_8,
    TEXT_1, /* length in one byte, then so many bytes */
    TEXT_4,
    TEXT_8,
    TEXT_4_SIGNED, /* a negative length is an error */
    LINE,
    LINES,
} operand_kind;

typedef struct operand {
    uint64_t number;
    const char *text, *second;
    size_t length, second_length;
} operand;

typedef struct opcode {
    const char *name;
    operand_kind operand;
    bool (*run)(machine *m, const operand *x);
    int64_t value;       /* of the handler: how many, which constant */
    const char *refused; /* why it is not supported, or NULL */
} opcode;

static const char *kind_names[EG_PY_KIND_COUNT] = {
    [EG_PY_NONE] = "None",
    [EG_PY_BOOL] = "bool",
    [EG_PY_INT] = "int",
    [EG_PY_BIGINT] = "int",
    [EG_PY_FLOAT] = "float",
    [EG_PY_STR] = "str",
    [EG_PY_BYTES] = "bytes",
    [EG_PY_TUPLE] = "tuple",
    [EG_PY_LIST] = "list",
    [EG_PY_DICT] = "dict",
    [EG_PY_SET] = "set",
    [EG_PY_GLOBAL] = "global",
    [EG_PY_PERSISTENT] = "persistent id",
    [EG_PY_CALL] = "call result",
    [EG_PY_OBJECT] = "object",
};

const eg_py_node *eg_pickle_node(const eg_pickle *pickle, eg_ref ref)
{
    assert(ref && ref < pickle->count);
    return &pickle->nodes[ref];
}

static eg_py_node *node_of(machine *m, eg_ref ref)
{
    return &m->pickle->nodes[ref];
}

static unsigned long long here(const machine *m)
{
    return m->at;
}

static bool limit(machine *m, const char *what, uint64_t value, uint64_t most)
{
    return eg_fail_id(m->err, EG_MALFORMED, "PKL-011", "limit exceeded: %s (%llu > %llu)", what,
                      (unsigned long long)value, (unsigned long long)most);
}

static bool underflow(machine *m)
{
    return eg_fail_id(m->err, EG_MALFORMED, "PKL-004", "offset %llu: stack underflow in %s", here(m),
                      m->op->name);
}

static bool mistyped(machine *m, const char *what, const eg_py_node *node)
{
    return eg_fail_id(m->err, EG_MALFORMED, "PKL-006", "offset %llu: %s applied to a %s", here(m), what,
                      kind_names[node->kind]);
}

/* Doubles an array that has no room for one more. */
static void *grown(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) return array;
    *capacity = *capacity ? *capacity * 2 : 64;
    return eg_realloc(array, eg_size_product(*capacity, size));
}

/* ---- stack ---- */

static size_t floor_of(const machine *m)
{
    return m->mark_count ? m->marks[m->mark_count - 1] : 0;
}

static bool push(machine *m, eg_ref ref)
{
    if (m->height >= MAX_STACK) return limit(m, "stack entries", m->height + 1, MAX_STACK);
    m->stack = grown(m->stack, m->height, &m->stack_capacity, sizeof *m->stack);
    m->stack[m->height++] = ref;
    return true;
}

static bool pop(machine *m, eg_ref *ref)
{
    *ref = 0;
    if (m->height <= floor_of(m)) return underflow(m);
    *ref = m->stack[--m->height];
    return true;
}

static bool top(machine *m, eg_ref *ref)
{
    *ref = 0;
    if (m->height <= floor_of(m)) return underflow(m);
    *ref = m->stack[m->height - 1];
    return true;
}

/* Removes the newest mark; *items and *count are what was pushed since, valid until the next push. */
static bool pop_mark(machine *m, const eg_ref **items, size_t *count)
{
    *items = NULL;
    *count = 0;
    if (m->mark_count == 0) return underflow(m);
    size_t base = m->marks[--m->mark_count];
    *items = m->stack + base;
    *count = m->height - base;
    m->height = base;
    return true;
}

/* ---- nodes ---- */

static bool new_node(machine *m, eg_py_kind kind, eg_ref *ref)
{
    eg_pickle *p = m->pickle;
    *ref = 0;
    if (p->count >= MAX_NODES) return limit(m, "nodes", (uint64_t)p->count + 1, MAX_NODES);
    if (p->count == p->capacity) {
        p->capacity *= 2;
        p->nodes = eg_realloc(p->nodes, eg_size_product(p->capacity, sizeof *p->nodes));
    }
    *ref = p->count++;
    p->nodes[*ref] = (eg_py_node){.kind = (uint8_t)kind, .offset = (uint32_t)m->at};
    return true;
}

static bool push_new(machine *m, eg_py_kind kind, eg_py_node **node)
{
    eg_ref ref;
    *node = NULL;
    if (!new_node(m, kind, &ref) || !push(m, ref)) return false;
    *node = node_of(m, ref);
    return true;
}

/* Every way to put one node below another passes here: nesting is bounded when it is built, so that walks are
 * too. */
static bool deepen(machine *m, eg_py_node *node, eg_ref child)
{
    uint16_t depth = node_of(m, child)->depth;
    if (depth >= MAX_DEPTH)
        return eg_fail_id(m->err, EG_MALFORMED, "PKL-010", "nesting deeper than %u", MAX_DEPTH);
    if (node->depth <= depth) node->depth = (uint16_t)(depth + 1);
    return true;
}

static bool add_items(machine *m, eg_py_node *node, const eg_ref *items, size_t count)
{
    if (count > UINT32_MAX / 2 - node->count) return limit(m, "items", count, UINT32_MAX / 2);
    uint32_t need = node->count + (uint32_t)count;
    if (need > node->capacity) {
        uint32_t capacity = node->capacity ? node->capacity * 2 : 4;
        if (capacity < need) capacity = need;
        eg_ref *more = EG_NEW_ARRAY(m->pickle->arena, eg_ref, capacity);
        if (node->count) memcpy(more, node->items, node->count * sizeof *more);
        node->items = more;
        node->capacity = capacity;
    }
    for (size_t i = 0; i < count; i++) {
        if (!deepen(m, node, items[i])) return false;
        node->items[node->count++] = items[i];
    }
    return true;
}

/* ---- handlers ---- */

static bool op_constant(machine *m, const operand *x)
{
    eg_py_node *node;
    (void)x;
    if (!push_new(m, m->op->value < 0 ? EG_PY_NONE : EG_PY_BOOL, &node)) return false;
    node->integer = m->op->value > 0;
    return true;
}

static bool push_int(machine *m, int64_t value)
{
    eg_py_node *node;
    if (!push_new(m, EG_PY_INT, &node)) return false;
    node->integer = value;
    return true;
}

static bool op_unsigned(machine *m, const operand *x)
{
    return push_int(m, (int64_t)x->number);
}

static bool op_int32(machine *m, const operand *x)
{
    return push_int(m, (int32_t)(uint32_t)x->number);
}

/* Two's complement, little-endian, any length; a redundant sign extension does not make it big. */
static bool op_long(machine *m, const operand *x)
{
    const uint8_t *bytes = (const uint8_t *)x->text;
    size_t n = x->length;
    uint8_t fill = n && bytes[n - 1] & 0x80 ? 0xFF : 0;
    while (n > 8 && bytes[n - 1] == fill && (bytes[n - 2] & 0x80) == (fill & 0x80)) n--;
    if (n > 8) {
        eg_py_node *node;
        if (!push_new(m, EG_PY_BIGINT, &node)) return false;
        node->bytes = x->text;
        node->count = (uint32_t)n;
        return true;
    }
    uint64_t value = fill ? UINT64_MAX : 0;
    for (size_t i = n; i-- > 0;) value = value << 8 | bytes[i];
    return push_int(m, (int64_t)value);
}

static bool malformed_text(machine *m, const operand *x)
{
    eg_arena arena = {0};
    eg_fail_id(m->err, EG_MALFORMED, "PKL-006", "offset %llu: %s applied to a text that is not one: '%s'",
               here(m), m->op->name, eg_printable(&arena, x->text, x->length < 40 ? x->length : 40));
    eg_arena_clear(&arena);
    return false;
}

/* INT and LONG: decimal text; INT "00" and "01" are booleans. */
static bool op_decimal(machine *m, const operand *x)
{
    size_t length = x->length;
    if (m->op->value == 'I' && length == 2 && x->text[0] == '0' && (x->text[1] == '0' || x->text[1] == '1')) {
        eg_py_node *node;
        if (!push_new(m, EG_PY_BOOL, &node)) return false;
        node->integer = x->text[1] == '1';
        return true;
    }
    if (length && x->text[length - 1] == 'L') length--;
    bool negative = length && x->text[0] == '-', big = false;
    size_t i = negative;
    if (i == length) return malformed_text(m, x);
    int64_t value = 0;
    for (; i < length; i++) {
        if (x->text[i] < '0' || x->text[i] > '9') return malformed_text(m, x);
        int digit = x->text[i] - '0';
        big |= __builtin_mul_overflow(value, 10, &value) ||
               __builtin_add_overflow(value, negative ? -digit : digit, &value);
    }
    if (!big) return push_int(m, value);
    eg_py_node *node;
    return push_new(m, EG_PY_BIGINT, &node);
}

static bool op_float_text(machine *m, const operand *x)
{
    char text[64], *end;
    eg_py_node *node;
    if (x->length == 0 || x->length >= sizeof text) return malformed_text(m, x);
    memcpy(text, x->text, x->length);
    text[x->length] = '\0';
    double value = strtod(text, &end);
    if (*end) return malformed_text(m, x);
    if (!push_new(m, EG_PY_FLOAT, &node)) return false;
    node->real = value;
    return true;
}

/* BINFLOAT is big-endian. */
static bool op_float(machine *m, const operand *x)
{
    eg_py_node *node;
    uint64_t bits = __builtin_bswap64(x->number);
    if (!push_new(m, EG_PY_FLOAT, &node)) return false;
    memcpy(&node->real, &bits, sizeof bits);
    return true;
}

static bool push_text(machine *m, eg_py_kind kind, const char *text, size_t length)
{
    eg_py_node *node;
    if (kind == EG_PY_STR && length > MAX_STRING) return limit(m, "string bytes", length, MAX_STRING);
    if (length > UINT32_MAX) return limit(m, "bytes", length, UINT32_MAX);
    if (!push_new(m, kind, &node)) return false;
    node->bytes = text;
    node->count = (uint32_t)length;
    return true;
}

static bool op_text(machine *m, const operand *x)
{
    return push_text(m, EG_PY_STR, x->text, x->length);
}

static bool op_bytes(machine *m, const operand *x)
{
    return push_text(m, EG_PY_BYTES, x->text, x->length);
}

/* Python 2 str: text where it is UTF-8, else bytes. */
static bool op_byte_string(machine *m, const operand *x)
{
    return push_text(m, eg_is_utf8(x->text, x->length) ? EG_PY_STR : EG_PY_BYTES, x->text, x->length);
}

static int hex_value(const char *text, size_t digits, uint32_t *value)
{
    *value = 0;
    for (size_t i = 0; i < digits; i++) {
        const char *hex = "0123456789abcdef", *at = strchr(hex, text[i] | 0x20);
        if (!text[i] || !at) return 0;
        *value = *value << 4 | (uint32_t)(at - hex);
    }
    return 1;
}

static void add_utf8(eg_buf *buf, uint32_t c)
{
    char out[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[5] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = n; i-- > 1; c >>= 6) out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(lead[n] | c);
    eg_buf_add(buf, out, n);
}

/* One escape of a protocol 0 string after its backslash; returns the characters used, 0 when it is not one.
 */
static size_t unescape(eg_buf *buf, const char *text, size_t length, bool unicode)
{
    static const char from[] = "nrtabfv0\\'\"", to[] = "\n\r\t\a\b\f\v\0\\'\"";
    size_t digits = !length ? 0 : text[0] == 'x' ? 2 : text[0] == 'u' ? 4 : text[0] == 'U' ? 8 : 0;
    uint32_t value = 0;
    if (unicode == (digits == 2)) digits = 0;
    if (digits && length > digits && hex_value(text + 1, digits, &value) && value < 0x110000) {
        if (unicode) {
            add_utf8(buf, value);
        } else {
            char byte = (char)value;
            eg_buf_add(buf, &byte, 1);
        }
        return digits + 1;
    }
    const char *at = length && text[0] && !unicode ? strchr(from, text[0]) : NULL;
    if (at) eg_buf_add(buf, to + (at - from), 1);
    return at ? 1 : 0;
}

/* STRING ('quoted', Python escapes) and UNICODE (raw, \uXXXX). */
static bool op_text_line(machine *m, const operand *x)
{
    bool unicode = m->op->value == 'V';
    const char *text = x->text;
    size_t length = x->length;
    eg_buf buf = {0};
    if (!unicode) {
        if (length < 2 || text[0] != text[length - 1] || (text[0] != '\'' && text[0] != '"'))
            return malformed_text(m, x);
        text++, length -= 2;
    }
    for (size_t i = 0; i < length;) {
        size_t used = text[i] == '\\' ? unescape(&buf, text + i + 1, length - i - 1, unicode) : 0;
        if (!used) eg_buf_add(&buf, text + i, 1);
        i += used + 1;
    }
    length = buf.length;
    operand y = {.text = eg_buf_take(&buf, m->pickle->arena), .length = length};
    return op_byte_string(m, &y);
}

static bool op_empty(machine *m, const operand *x)
{
    eg_py_node *node;
    (void)x;
    return push_new(m, (eg_py_kind)m->op->value, &node);
}

static bool op_mark(machine *m, const operand *x)
{
    (void)x;
    if (m->mark_count >= MAX_STACK) return limit(m, "marks", m->mark_count + 1, MAX_STACK);
    m->marks = grown(m->marks, m->mark_count, &m->mark_capacity, sizeof *m->marks);
    m->marks[m->mark_count++] = m->height;
    return true;
}

static bool op_pop(machine *m, const operand *x)
{
    (void)x;
    if (m->mark_count && m->height == floor_of(m)) {
        m->mark_count--;
        return true;
    }
    eg_ref ref;
    return pop(m, &ref);
}

static bool op_pop_mark(machine *m, const operand *x)
{
    const eg_ref *items;
    size_t count;
    (void)x;
    return pop_mark(m, &items, &count);
}

static bool op_dup(machine *m, const operand *x)
{
    eg_ref ref;
    (void)x;
    return top(m, &ref) && push(m, ref);
}

/* A new container of the items since the mark: TUPLE, LIST, FROZENSET. */
static bool op_collect(machine *m, const operand *x)
{
    const eg_ref *items;
    size_t count;
    eg_ref ref;
    (void)x;
    if (!pop_mark(m, &items, &count) || !new_node(m, (eg_py_kind)m->op->value, &ref)) return false;
    return add_items(m, node_of(m, ref), items, count) && push(m, ref);
}

/* TUPLE1 … TUPLE3 */
static bool op_tuple(machine *m, const operand *x)
{
    eg_ref items[3] = {0}, ref;
    size_t count = (size_t)m->op->value;
    (void)x;
    for (size_t i = count; i-- > 0;)
        if (!pop(m, &items[i])) return false;
    if (!new_node(m, EG_PY_TUPLE, &ref)) return false;
    return add_items(m, node_of(m, ref), items, count) && push(m, ref);
}

static bool is_made(const eg_py_node *node)
{
    return node->kind == EG_PY_CALL || node->kind == EG_PY_OBJECT;
}

/* Results of calls may be lists or dicts (subclasses pickle as such), unless they are known to be neither. */
static bool takes_items(machine *m, const eg_py_node *node, bool mapping)
{
    if (!is_made(node) || (node->count && node->mapping != mapping)) return false;
    const eg_py_node *function = node_of(m, node->function);
    return function->kind != EG_PY_GLOBAL || !eg_global_has_no_items(function->module, function->name);
}

static bool append(machine *m, const eg_ref *items, size_t count)
{
    eg_ref ref;
    if (!top(m, &ref)) return false;
    eg_py_node *node = node_of(m, ref);
    bool set = m->op->value == EG_PY_SET;
    if (node->kind != (set ? EG_PY_SET : EG_PY_LIST) && (set || !takes_items(m, node, false)))
        return mistyped(m, m->op->name, node);
    return add_items(m, node, items, count);
}

static bool op_append(machine *m, const operand *x)
{
    eg_ref item;
    (void)x;
    return pop(m, &item) && append(m, &item, 1);
}

static bool op_appends(machine *m, const operand *x)
{
    const eg_ref *items;
    size_t count;
    (void)x;
    return pop_mark(m, &items, &count) && append(m, items, count);
}

static bool is_unhashable(const eg_py_node *node)
{
    return node->kind == EG_PY_LIST || node->kind == EG_PY_DICT || node->kind == EG_PY_SET;
}

static bool add_pairs(machine *m, eg_py_node *node, const eg_ref *items, size_t count)
{
    if (count % 2)
        return eg_fail_id(m->err, EG_MALFORMED, "PKL-007", "offset %llu: odd number of items for %s", here(m),
                          m->op->name);
    for (size_t i = 0; i < count; i += 2)
        if (is_unhashable(node_of(m, items[i])))
            return mistyped(m, "a dict key's hash", node_of(m, items[i]));
    return add_items(m, node, items, count);
}

static bool set_items(machine *m, const eg_ref *items, size_t count)
{
    eg_ref ref;
    if (!top(m, &ref)) return false;
    eg_py_node *node = node_of(m, ref);
    if (node->kind != EG_PY_DICT && !takes_items(m, node, true)) return mistyped(m, m->op->name, node);
    if (is_made(node)) node->mapping = true;
    return add_pairs(m, node, items, count);
}

static bool op_setitem(machine *m, const operand *x)
{
    eg_ref pair[2];
    (void)x;
    return pop(m, &pair[1]) && pop(m, &pair[0]) && set_items(m, pair, 2);
}

static bool op_setitems(machine *m, const operand *x)
{
    const eg_ref *items;
    size_t count;
    (void)x;
    return pop_mark(m, &items, &count) && set_items(m, items, count);
}

/* DICT: a dict of the items since the mark. */
static bool op_dict(machine *m, const operand *x)
{
    const eg_ref *items;
    size_t count;
    eg_ref ref;
    (void)x;
    if (!pop_mark(m, &items, &count) || !new_node(m, EG_PY_DICT, &ref)) return false;
    return add_pairs(m, node_of(m, ref), items, count) && push(m, ref);
}

static bool push_global(machine *m, const char *module, size_t length, const char *name, size_t name_length)
{
    eg_py_node *node;
    eg_arena *arena = m->pickle->arena;
    if (length > 4096 || name_length > 4096)
        return limit(m, "bytes of a global's name", length + name_length, 4096);
    if (!push_new(m, EG_PY_GLOBAL, &node)) return false;
    node->module = eg_global_modern(arena, eg_printable(arena, module, length));
    node->name = eg_printable(arena, name, name_length);
    return true;
}

static bool op_global(machine *m, const operand *x)
{
    return push_global(m, x->text, x->length, x->second, x->second_length);
}

static bool op_stack_global(machine *m, const operand *x)
{
    eg_ref name, module;
    (void)x;
    if (!pop(m, &name) || !pop(m, &module)) return false;
    const eg_py_node *a = node_of(m, module), *b = node_of(m, name);
    if (a->kind != EG_PY_STR) return mistyped(m, m->op->name, a);
    if (b->kind != EG_PY_STR) return mistyped(m, m->op->name, b);
    return push_global(m, a->bytes, a->count, b->bytes, b->count);
}

static bool push_made(machine *m, eg_py_kind kind, eg_ref function, eg_ref args)
{
    eg_ref ref;
    if (node_of(m, args)->kind != EG_PY_TUPLE) return mistyped(m, m->op->name, node_of(m, args));
    eg_py_kind callee = node_of(m, function)->kind;
    if (callee != EG_PY_GLOBAL && callee != EG_PY_PERSISTENT && callee != EG_PY_CALL &&
        callee != EG_PY_OBJECT)
        return mistyped(m, m->op->name, node_of(m, function));
    if (!new_node(m, kind, &ref)) return false;
    eg_py_node *node = node_of(m, ref);
    node->function = function;
    node->args = args;
    return deepen(m, node, function) && deepen(m, node, args) && push(m, ref);
}

/* REDUCE, NEWOBJ */
static bool op_make(machine *m, const operand *x)
{
    eg_ref function, args;
    (void)x;
    return pop(m, &args) && pop(m, &function) && push_made(m, (eg_py_kind)m->op->value, function, args);
}

/* NEWOBJ_EX: keyword arguments are checked and dropped; no class that has a meaning here takes any. */
static bool op_make_extended(machine *m, const operand *x)
{
    eg_ref keywords;
    if (!pop(m, &keywords)) return false;
    if (node_of(m, keywords)->kind != EG_PY_DICT) return mistyped(m, m->op->name, node_of(m, keywords));
    return op_make(m, x);
}

static bool op_build(machine *m, const operand *x)
{
    eg_ref state, ref;
    (void)x;
    if (!pop(m, &state) || !top(m, &ref)) return false;
    eg_py_node *node = node_of(m, ref);
    if (!is_made(node)) return mistyped(m, m->op->name, node);
    if (node->state) return mistyped(m, "a second BUILD", node);
    node->state = state;
    return deepen(m, node, state);
}

static bool op_persistent(machine *m, const operand *x)
{
    eg_ref id, ref;
    (void)x;
    if (!pop(m, &id) || !new_node(m, EG_PY_PERSISTENT, &ref)) return false;
    node_of(m, ref)->args = id;
    return deepen(m, node_of(m, ref), id) && push(m, ref);
}

/* ---- memo ---- */

static memo_slot *memo_find(memo_slot *slots, size_t capacity, uint32_t index)
{
    size_t at = index * 0x9E3779B1u & (capacity - 1);
    while (slots[at].ref && slots[at].index != index) at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static void memo_grow(machine *m)
{
    size_t capacity = m->memo_capacity ? m->memo_capacity * 2 : 256;
    memo_slot *slots = eg_malloc(eg_size_product(capacity, sizeof *slots));
    memset(slots, 0, capacity * sizeof *slots);
    for (size_t i = 0; i < m->memo_capacity; i++)
        if (m->memo[i].ref) *memo_find(slots, capacity, m->memo[i].index) = m->memo[i];
    free(m->memo);
    m->memo = slots;
    m->memo_capacity = capacity;
}

static bool memo_put(machine *m, uint32_t index)
{
    eg_ref ref;
    if (!top(m, &ref)) return false;
    if (m->memo_count * 2 >= m->memo_capacity) memo_grow(m);
    memo_slot *slot = memo_find(m->memo, m->memo_capacity, index);
    m->memo_count += slot->ref == 0;
    *slot = (memo_slot){index, ref};
    return true;
}

static bool memo_get(machine *m, uint32_t index)
{
    const memo_slot *slot = m->memo_count ? memo_find(m->memo, m->memo_capacity, index) : NULL;
    if (!slot || !slot->ref)
        return eg_fail_id(m->err, EG_MALFORMED, "PKL-005", "offset %llu: memo entry %u was never stored",
                          here(m), index);
    return push(m, slot->ref);
}

static bool op_put(machine *m, const operand *x)
{
    return memo_put(m, (uint32_t)x->number);
}

static bool op_get(machine *m, const operand *x)
{
    return memo_get(m, (uint32_t)x->number);
}

static bool op_memoize(machine *m, const operand *x)
{
    (void)x;
    return memo_put(m, (uint32_t)m->memo_count);
}

/* GET and PUT with a decimal index. */
static bool op_memo_text(machine *m, const operand *x)
{
    uint32_t index = 0;
    if (x->length == 0 || x->length > 9) return malformed_text(m, x);
    for (size_t i = 0; i < x->length; i++) {
        if (x->text[i] < '0' || x->text[i] > '9') return malformed_text(m, x);
        index = index * 10 + (uint32_t)(x->text[i] - '0');
    }
    return m->op->value == 'p' ? memo_put(m, index) : memo_get(m, index);
}

/* ---- stream ---- */

static bool overrun(machine *m, uint64_t need, uint64_t left)
{
    return eg_fail_id(m->err, EG_MALFORMED, "PKL-003",
                      "offset %llu: %s needs %llu bytes but only %llu remain", here(m), m->op->name,
                      (unsigned long long)need, (unsigned long long)left);
}

static bool op_frame(machine *m, const operand *x)
{
    if (m->frame_end)
        return eg_fail_id(
            m->err, EG_MALFORMED, "PKL-009", "offset %llu: frame of %llu bytes does not end on an opcode",
            (unsigned long long)m->frame_start, (unsigned long long)(m->frame_end - m->frame_start));
    if (x->number > eg_cursor_left(&m->in)) return overrun(m, x->number, eg_cursor_left(&m->in));
    m->frame_start = m->in.at;
    m->frame_end = x->number ? m->in.at + x->number : 0;
    return true;
}

static bool op_stop(machine *m, const operand *x)
{
    (void)x;
    m->stopped = true;
    return pop(m, &m->pickle->root);
}

static const opcode opcodes[256] = {
    ['('] = {"MARK", NOTHING, op_mark, 0, NULL},
    ['.'] = {"STOP", NOTHING, op_stop, 0, NULL},
    ['0'] = {"POP", NOTHING, op_pop, 0, NULL},
    ['1'] = {"POP_MARK", NOTHING, op_pop_mark, 0, NULL},
    ['2'] = {"DUP", NOTHING, op_dup, 0, NULL},
    ['F'] = {"FLOAT", LINE, op_float_text, 0, NULL},
    ['I'] = {"INT", LINE, op_decimal, 'I', NULL},
    ['L'] = {"LONG", LINE, op_decimal, 'L', NULL},
    ['S'] = {"STRING", LINE, op_text_line, 'S', NULL},
    ['V'] = {"UNICODE", LINE, op_text_line, 'V', NULL},
    ['J'] = {"BININT", NUMBER_4, op_int32, 0, NULL},
    ['K'] = {"BININT1", NUMBER_1, op_unsigned, 0, NULL},
    ['M'] = {"BININT2", NUMBER_2, op_unsigned, 0, NULL},
    ['N'] = {"NONE", NOTHING, op_constant, -1, NULL},
    ['G'] = {"BINFLOAT", NUMBER_8, op_float, 0, NULL},
    ['R'] = {"REDUCE", NOTHING, op_make, EG_PY_CALL, NULL},
    ['T'] = {"BINSTRING", TEXT_4_SIGNED, op_byte_string, 0, NULL},
    ['U'] = {"SHORT_BINSTRING", TEXT_1, op_byte_string, 0, NULL},
    ['X'] = {"BINUNICODE", TEXT_4, op_text, 0, NULL},
    ['B'] = {"BINBYTES", TEXT_4, op_bytes, 0, NULL},
    ['C'] = {"SHORT_BINBYTES", TEXT_1, op_bytes, 0, NULL},
    ['Q'] = {"BINPERSID", NOTHING, op_persistent, 0, NULL},
    ['P'] = {"PERSID", LINE, NULL, 0, "persistent ids are tuples in every PyTorch file"},
    ['a'] = {"APPEND", NOTHING, op_append, 0, NULL},
    ['e'] = {"APPENDS", NOTHING, op_appends, 0, NULL},
    ['b'] = {"BUILD", NOTHING, op_build, 0, NULL},
    ['c'] = {"GLOBAL", LINES, op_global, 0, NULL},
    ['d'] = {"DICT", NOTHING, op_dict, 0, NULL},
    ['l'] = {"LIST", NOTHING, op_collect, EG_PY_LIST, NULL},
    ['t'] = {"TUPLE", NOTHING, op_collect, EG_PY_TUPLE, NULL},
    ['}'] = {"EMPTY_DICT", NOTHING, op_empty, EG_PY_DICT, NULL},
    [']'] = {"EMPTY_LIST", NOTHING, op_empty, EG_PY_LIST, NULL},
    [')'] = {"EMPTY_TUPLE", NOTHING, op_empty, EG_PY_TUPLE, NULL},
    ['g'] = {"GET", LINE, op_memo_text, 'g', NULL},
    ['p'] = {"PUT", LINE, op_memo_text, 'p', NULL},
    ['h'] = {"BINGET", NUMBER_1, op_get, 0, NULL},
    ['j'] = {"LONG_BINGET", NUMBER_4, op_get, 0, NULL},
    ['q'] = {"BINPUT", NUMBER_1, op_put, 0, NULL},
    ['r'] = {"LONG_BINPUT", NUMBER_4, op_put, 0, NULL},
    ['s'] = {"SETITEM", NOTHING, op_setitem, 0, NULL},
    ['u'] = {"SETITEMS", NOTHING, op_setitems, 0, NULL},
    ['i'] = {"INST", LINES, NULL, 0, "it calls a class by name"},
    ['o'] = {"OBJ", NOTHING, NULL, 0, "it calls a class by name"},
    [0x81] = {"NEWOBJ", NOTHING, op_make, EG_PY_OBJECT, NULL},
    [0x82] = {"EXT1", NUMBER_1, NULL, 0, "the extension registry is Python's own"},
    [0x83] = {"EXT2", NUMBER_2, NULL, 0, "the extension registry is Python's own"},
    [0x84] = {"EXT4", NUMBER_4, NULL, 0, "the extension registry is Python's own"},
    [0x85] = {"TUPLE1", NOTHING, op_tuple, 1, NULL},
    [0x86] = {"TUPLE2", NOTHING, op_tuple, 2, NULL},
    [0x87] = {"TUPLE3", NOTHING, op_tuple, 3, NULL},
    [0x88] = {"NEWTRUE", NOTHING, op_constant, 1, NULL},
    [0x89] = {"NEWFALSE", NOTHING, op_constant, 0, NULL},
    [0x8A] = {"LONG1", TEXT_1, op_long, 0, NULL},
    [0x8B] = {"LONG4", TEXT_4_SIGNED, op_long, 0, NULL},
    [0x8C] = {"SHORT_BINUNICODE", TEXT_1, op_text, 0, NULL},
    [0x8D] = {"BINUNICODE8", TEXT_8, op_text, 0, NULL},
    [0x8E] = {"BINBYTES8", TEXT_8, op_bytes, 0, NULL},
    [0x8F] = {"EMPTY_SET", NOTHING, op_empty, EG_PY_SET, NULL},
    [0x90] = {"ADDITEMS", NOTHING, op_appends, EG_PY_SET, NULL},
    [0x91] = {"FROZENSET", NOTHING, op_collect, EG_PY_SET, NULL},
    [0x92] = {"NEWOBJ_EX", NOTHING, op_make_extended, EG_PY_OBJECT, NULL},
    [0x93] = {"STACK_GLOBAL", NOTHING, op_stack_global, 0, NULL},
    [0x94] = {"MEMOIZE", NOTHING, op_memoize, 0, NULL},
    [0x95] = {"FRAME", NUMBER_8, op_frame, 0, NULL},
    [0x96] = {"BYTEARRAY8", TEXT_8, op_bytes, 0, NULL},
    [0x97] = {"NEXT_BUFFER", NOTHING, NULL, 0, "there are no out-of-band buffers in a file"},
    [0x98] = {"READONLY_BUFFER", NOTHING, NULL, 0, "there are no out-of-band buffers in a file"},
};

/* Reads the operand; lengths are compared with what remains before anything is done with them. */
static bool read_operand(machine *m, operand *x)
{
    static const uint8_t sizes[] = {
        [NUMBER_1] = 1, [NUMBER_2] = 2, [NUMBER_4] = 4,      [NUMBER_8] = 8, [TEXT_1] = 1,
        [TEXT_4] = 4,   [TEXT_8] = 8,   [TEXT_4_SIGNED] = 4, [LINES] = 0};
    operand_kind kind = m->op->operand;
    eg_cursor *in = &m->in;
    uint64_t left = eg_cursor_left(in);
    if (kind == LINE || kind == LINES) {
        x->text = eg_cursor_line(in, &x->length);
        if (kind == LINES) x->second = eg_cursor_line(in, &x->second_length);
    } else {
        const uint8_t *bytes = eg_cursor_take(in, sizes[kind]);
        for (unsigned i = 0; bytes && i < sizes[kind]; i++) x->number |= (uint64_t)bytes[i] << 8 * i;
    }
    if (kind == TEXT_4_SIGNED && x->number > INT32_MAX)
        return overrun(m, (uint64_t)(int64_t)(int32_t)(uint32_t)x->number, eg_cursor_left(in));
    if (kind >= TEXT_1 && kind <= TEXT_4_SIGNED) {
        left = eg_cursor_left(in);
        x->text = (const char *)eg_cursor_take(in, x->number);
        x->length = x->number;
    }
    return in->failed ? overrun(m, in->wanted, left) : true;
}

/* A frame holds whole opcodes and ends on the edge of one. */
static bool check_frame(machine *m)
{
    if (!m->frame_end || m->in.at < m->frame_end) {
        if (!m->frame_end || !m->stopped) return true;
    } else if (m->in.at == m->frame_end) {
        m->frame_end = 0;
        return true;
    }
    return eg_fail_id(
        m->err, EG_MALFORMED, "PKL-009", "offset %llu: frame of %llu bytes does not end on an opcode",
        (unsigned long long)m->frame_start, (unsigned long long)(m->frame_end - m->frame_start));
}

static bool step(machine *m)
{
    operand x = {0};
    m->at = m->in.at;
    static const opcode end = {"the next opcode", NOTHING, NULL, 0, NULL};
    m->op = &end;
    if (eg_cursor_left(&m->in) == 0) return overrun(m, 1, 0);
    uint8_t byte = eg_cursor_u8(&m->in);
    m->op = &opcodes[byte];
    if (!m->op->name)
        return eg_fail_id(m->err, EG_MALFORMED, "PKL-001", "offset %llu: unknown opcode 0x%02x", here(m),
                          byte);
    if (!m->op->run)
        return eg_fail_id(m->err, EG_MALFORMED, "PKL-002", "offset %llu: opcode %s is not supported (%s)",
                          here(m), m->op->name, m->op->refused);
    return read_operand(m, &x) && m->op->run(m, &x) && check_frame(m);
}

/* PROTO stands first and only there (in the table it would be allowed anywhere). */
static bool read_protocol(machine *m)
{
    bool present = m->in.size >= 2 && m->in.bytes[0] == 0x80;
    unsigned protocol = present ? m->in.bytes[1] : 0;
    if (protocol < 2 || protocol > 5)
        return eg_fail_id(m->err, EG_MALFORMED, "PKL-008", "protocol %u is not supported (2 to 5)", protocol);
    eg_cursor_seek(&m->in, 2);
    return true;
}

static bool run(machine *m)
{
    if (m->in.size > UINT32_MAX) m->in.size = UINT32_MAX;
    if (!read_protocol(m)) return false;
    for (uint64_t n = 0; !m->stopped; n++) {
        if (n >= MAX_OPCODES) return limit(m, "opcodes", n + 1, MAX_OPCODES);
        if (!step(m)) return false;
    }
    return true;
}

static void free_nodes(void *object)
{
    free(((eg_pickle *)object)->nodes);
}

eg_pickle *eg_pickle_parse(eg_arena *arena, const uint8_t *bytes, uint64_t size, uint64_t *used,
                           eg_error *err)
{
    eg_pickle *pickle = EG_NEW(arena, eg_pickle);
    machine m = {.pickle = pickle, .in = eg_cursor_over(bytes, size), .err = err};
    m.stack = grown(NULL, 0, &m.stack_capacity, sizeof *m.stack);
    pickle->arena = arena;
    pickle->count = 1;
    pickle->capacity = 64;
    pickle->nodes = eg_malloc(pickle->capacity * sizeof *pickle->nodes);
    pickle->nodes[0] = (eg_py_node){0};
    eg_arena_defer(arena, free_nodes, pickle);
    bool ok = run(&m);
    if (ok && !used && m.in.at < size)
        ok = eg_fail_id(err, EG_MALFORMED, "PKL-012", "%llu bytes after STOP",
                        (unsigned long long)(size - m.in.at));
    if (used) *used = m.in.at;
    free(m.stack);
    free(m.marks);
    free(m.memo);
    return ok ? pickle : NULL;
}
