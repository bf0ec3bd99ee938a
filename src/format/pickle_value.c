#include "format/pickle_value.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"

enum { SHOWN_TEXT = 60 };

static const eg_py_node *node_of(const eg_pickle *pickle, eg_ref ref)
{
    return eg_pickle_node(pickle, ref);
}

static bool is_text(const eg_py_node *node)
{
    return node->kind == EG_PY_STR || node->kind == EG_PY_BYTES;
}

static bool is_made(const eg_py_node *node)
{
    return node->kind == EG_PY_CALL || node->kind == EG_PY_OBJECT;
}

const char *eg_py_text(eg_arena *arena, const eg_pickle *pickle, eg_ref ref)
{
    const eg_py_node *node = node_of(pickle, ref);
    return is_text(node) ? eg_printable(arena, node->bytes, node->count) : NULL;
}

bool eg_py_is_text(const eg_pickle *pickle, eg_ref ref, const char *text)
{
    const eg_py_node *node = node_of(pickle, ref);
    return is_text(node) && node->count == strlen(text) && memcmp(node->bytes, text, node->count) == 0;
}

bool eg_py_int(const eg_pickle *pickle, eg_ref ref, int64_t *value)
{
    const eg_py_node *node = node_of(pickle, ref);
    if (node->kind != EG_PY_INT) return false;
    *value = node->integer;
    return true;
}

static bool is_named(const eg_py_node *node, const char *module, const char *name)
{
    return node->kind == EG_PY_GLOBAL && strcmp(node->module, module) == 0 && strcmp(node->name, name) == 0;
}

bool eg_py_is_global(const eg_pickle *pickle, eg_ref ref, const char *module, const char *name)
{
    return is_named(node_of(pickle, ref), module, name);
}

bool eg_py_is_none(const eg_pickle *pickle, eg_ref ref)
{
    return node_of(pickle, ref)->kind == EG_PY_NONE;
}

/* Older files wrap the class of a module in a persistent id: ('module', cls, file, source), and in a tar
 * (cls, file, source). */
static const eg_py_node *class_of(const eg_pickle *pickle, eg_ref ref)
{
    const eg_py_node *node = node_of(pickle, ref);
    if (node->kind == EG_PY_PERSISTENT) {
        const eg_py_node *id = node_of(pickle, node->args);
        if (id->kind == EG_PY_TUPLE && id->count == 4) node = node_of(pickle, id->items[1]);
        if (id->kind == EG_PY_TUPLE && id->count == 3) node = node_of(pickle, id->items[0]);
    }
    return node->kind == EG_PY_GLOBAL ? node : NULL;
}

const eg_py_node *eg_py_maker(const eg_pickle *pickle, eg_ref ref)
{
    const eg_py_node *node = node_of(pickle, ref);
    if (!is_made(node)) return NULL;
    const eg_py_node *maker = class_of(pickle, node->function), *args = node_of(pickle, node->args);
    bool helper = maker && strcmp(maker->module, "copyreg") == 0 &&
                  (strcmp(maker->name, "_reconstructor") == 0 || strncmp(maker->name, "__newobj", 8) == 0);
    return helper && args->count ? class_of(pickle, args->items[0]) : maker;
}

bool eg_py_made_by(const eg_pickle *pickle, eg_ref ref, const char *module, const char *name)
{
    const eg_py_node *maker = eg_py_maker(pickle, ref);
    return maker && is_named(maker, module, name);
}

static const char *const sequence_makers[][2] = {
    {"torch", "Size"},   {"builtins", "list"},      {"builtins", "tuple"},
    {"builtins", "set"}, {"builtins", "frozenset"}, {"collections", "deque"},
};

bool eg_py_items(const eg_pickle *pickle, eg_ref ref, const eg_ref **items, uint32_t *count)
{
    const eg_py_node *node = node_of(pickle, ref);
    if (is_made(node)) {
        const eg_py_node *args = node_of(pickle, node->args);
        bool known = node->count && !node->mapping;
        for (size_t i = 0; i < sizeof sequence_makers / sizeof *sequence_makers; i++)
            known |= eg_py_made_by(pickle, ref, sequence_makers[i][0], sequence_makers[i][1]);
        if (!known) return false;
        if (!node->count && args->count) node = node_of(pickle, args->items[0]);
        if (is_made(node) && node->mapping) return false;
    }
    bool sequence =
        node->kind == EG_PY_TUPLE || node->kind == EG_PY_LIST || node->kind == EG_PY_SET || is_made(node);
    if (!sequence) return false;
    *items = node->count ? node->items : NULL;
    *count = node->count;
    return true;
}

/* ---- dicts ---- */

typedef struct pair_list {
    eg_py_pair *pairs;
    const eg_py_node **keys;
    uint32_t count, capacity;
    eg_map *index; /* only for larger dicts */
    eg_arena *arena;
    const eg_pickle *pickle;
} pair_list;

static bool same_key(const eg_py_node *a, const eg_py_node *b)
{
    if (a == b) return true;
    if (a->kind != b->kind) return false;
    if (is_text(a)) return a->count == b->count && memcmp(a->bytes, b->bytes, a->count) == 0;
    return (a->kind == EG_PY_INT || a->kind == EG_PY_BOOL) && a->integer == b->integer;
}

static const char *key_text(pair_list *list, eg_ref key)
{
    const char *text = eg_py_text(list->arena, list->pickle, key);
    return text ? text : eg_py_short(list->arena, list->pickle, key);
}

static int64_t find_pair(pair_list *list, const eg_py_node *key, const char *text)
{
    if (list->index) {
        int64_t at = eg_map_find(list->index, text);
        return at >= 0 && same_key(list->keys[at], key) ? at : -1;
    }
    for (uint32_t i = 0; i < list->count; i++)
        if (same_key(list->keys[i], key)) return i;
    return -1;
}

static void add_pair(pair_list *list, eg_ref key, eg_ref value)
{
    const eg_py_node *node = node_of(list->pickle, key);
    const char *text = key_text(list, key);
    int64_t at = find_pair(list, node, text);
    if (at >= 0) {
        list->pairs[at].value = value;
        return;
    }
    list->keys[list->count] = node;
    if (list->index) eg_map_add(list->index, text, list->count);
    list->pairs[list->count++] = (eg_py_pair){text, is_text(node), value};
}

/* Pairs of a list of two-item sequences: OrderedDict([(k, v), …]). */
static void add_sequence(pair_list *list, const eg_py_node *sequence)
{
    for (uint32_t i = 0; i < sequence->count; i++) {
        const eg_py_node *pair = node_of(list->pickle, sequence->items[i]);
        if ((pair->kind == EG_PY_TUPLE || pair->kind == EG_PY_LIST) && pair->count == 2)
            add_pair(list, pair->items[0], pair->items[1]);
    }
}

/* The container that a dict-like call was given, or NULL. */
static const eg_py_node *initial(const eg_pickle *pickle, const eg_py_node *node)
{
    const eg_py_node *args = node_of(pickle, node->args);
    if (!args->count) return NULL;
    const eg_py_node *first = node_of(pickle, args->items[0]);
    return first->kind == EG_PY_LIST || first->kind == EG_PY_TUPLE || first->kind == EG_PY_DICT ? first
                                                                                                : NULL;
}

static const char *const dict_makers[][2] = {
    {"collections", "OrderedDict"},
    {"collections", "defaultdict"},
    {"collections", "Counter"},
    {"builtins", "dict"},
};

static bool is_dict(const eg_pickle *pickle, eg_ref ref)
{
    const eg_py_node *node = node_of(pickle, ref);
    if (node->kind == EG_PY_DICT || (is_made(node) && node->count && node->mapping)) return true;
    for (size_t i = 0; i < sizeof dict_makers / sizeof *dict_makers; i++)
        if (eg_py_made_by(pickle, ref, dict_makers[i][0], dict_makers[i][1]))
            return !node->count || node->mapping;
    return false;
}

/* Namespaces are dicts by their attributes. */
static eg_ref dict_of(const eg_pickle *pickle, eg_ref ref)
{
    bool namespace = eg_py_made_by(pickle, ref, "argparse", "Namespace") ||
                     eg_py_made_by(pickle, ref, "types", "SimpleNamespace");
    if (namespace) ref = eg_py_attributes(pickle, ref);
    return ref && is_dict(pickle, ref) ? ref : 0;
}

static uint32_t pairs_within(const eg_py_node *node)
{
    return !node ? 0 : node->kind == EG_PY_LIST || node->kind == EG_PY_TUPLE ? node->count : node->count / 2;
}

bool eg_py_pairs(eg_arena *arena, const eg_pickle *pickle, eg_ref ref, const eg_py_pair **pairs,
                 uint32_t *count)
{
    ref = dict_of(pickle, ref);
    if (!ref) return false;
    const eg_py_node *node = node_of(pickle, ref), *first = is_made(node) ? initial(pickle, node) : NULL;
    pair_list list = {.arena = arena, .pickle = pickle, .capacity = pairs_within(first) + node->count / 2};
    list.pairs = EG_NEW_ARRAY(arena, eg_py_pair, list.capacity);
    list.keys = EG_NEW_ARRAY(arena, const eg_py_node *, list.capacity);
    if (list.capacity > 16) list.index = eg_map_new(arena);
    if (first && first->kind != EG_PY_DICT) add_sequence(&list, first);
    if (first && first->kind == EG_PY_DICT)
        for (uint32_t i = 0; i + 1 < first->count; i += 2)
            add_pair(&list, first->items[i], first->items[i + 1]);
    for (uint32_t i = 0; i + 1 < node->count; i += 2) add_pair(&list, node->items[i], node->items[i + 1]);
    *pairs = list.pairs;
    *count = list.count;
    return true;
}

/* Searches backwards: the last value of a repeated key counts. */
eg_ref eg_py_get(const eg_pickle *pickle, eg_ref dict, const char *key)
{
    eg_ref ref = dict ? dict_of(pickle, dict) : 0;
    if (!ref) return 0;
    const eg_py_node *node = node_of(pickle, ref), *first = is_made(node) ? initial(pickle, node) : NULL;
    for (size_t i = node->count / 2; i-- > 0;)
        if (eg_py_is_text(pickle, node->items[2 * i], key)) return node->items[2 * i + 1];
    for (uint32_t i = pairs_within(first); i-- > 0;) {
        const eg_py_node *pair = first->kind == EG_PY_DICT ? first : node_of(pickle, first->items[i]);
        uint32_t at = first->kind == EG_PY_DICT ? 2 * i : 0;
        bool is_pair =
            pair == first || ((pair->kind == EG_PY_TUPLE || pair->kind == EG_PY_LIST) && pair->count == 2);
        if (is_pair && eg_py_is_text(pickle, pair->items[at], key)) return pair->items[at + 1];
    }
    return 0;
}

eg_ref eg_py_attributes(const eg_pickle *pickle, eg_ref ref)
{
    const eg_py_node *node = node_of(pickle, ref);
    if (!is_made(node) || !node->state) return 0;
    const eg_py_node *state = node_of(pickle, node->state);
    bool with_slots = state->kind == EG_PY_TUPLE && state->count == 2;
    eg_ref dict = with_slots ? state->items[0] : node->state;
    return is_dict(pickle, dict) ? dict : 0;
}

/* ---- for people ---- */

const char *eg_py_type(eg_arena *arena, const eg_pickle *pickle, eg_ref ref)
{
    static const char *const names[EG_PY_KIND_COUNT] = {
        [EG_PY_NONE] = "NoneType",      [EG_PY_BOOL] = "bool",   [EG_PY_INT] = "int",
        [EG_PY_BIGINT] = "int",         [EG_PY_FLOAT] = "float", [EG_PY_STR] = "str",
        [EG_PY_BYTES] = "bytes",        [EG_PY_TUPLE] = "tuple", [EG_PY_LIST] = "list",
        [EG_PY_DICT] = "dict",          [EG_PY_SET] = "set",     [EG_PY_GLOBAL] = "type",
        [EG_PY_PERSISTENT] = "storage", [EG_PY_CALL] = "object", [EG_PY_OBJECT] = "object",
    };
    const eg_py_node *maker = eg_py_maker(pickle, ref);
    if (!maker) return names[node_of(pickle, ref)->kind];
    return eg_arena_printf(arena, "%s.%s", maker->module, maker->name);
}

static const char *quoted(eg_arena *arena, const eg_py_node *node)
{
    bool cut = node->count > SHOWN_TEXT;
    return eg_arena_printf(arena, "%s%s", eg_printable(arena, node->bytes, cut ? SHOWN_TEXT : node->count),
                           cut ? "…" : "");
}

static const char *size_text(eg_arena *arena, uint32_t count)
{
    return eg_arena_printf(arena, "%u item%s", count, count == 1 ? "" : "s");
}

const char *eg_py_short(eg_arena *arena, const eg_pickle *pickle, eg_ref ref)
{
    const eg_py_node *node = node_of(pickle, ref);
    switch ((eg_py_kind)node->kind) {
    case EG_PY_NONE: return "None";
    case EG_PY_BOOL: return node->integer ? "True" : "False";
    case EG_PY_INT: return eg_arena_printf(arena, "%lld", (long long)node->integer);
    case EG_PY_BIGINT:
        return node->count ? eg_arena_printf(arena, "integer of %u bytes", node->count) : "big integer";
    case EG_PY_FLOAT: return eg_real_text(arena, node->real);
    case EG_PY_STR: return quoted(arena, node);
    case EG_PY_BYTES: return eg_arena_printf(arena, "%u byte%s", node->count, node->count == 1 ? "" : "s");
    case EG_PY_GLOBAL: return eg_arena_printf(arena, "%s.%s", node->module, node->name);
    case EG_PY_TUPLE:
    case EG_PY_LIST:
    case EG_PY_SET: return size_text(arena, node->count);
    case EG_PY_DICT: return size_text(arena, node->count / 2);
    default: break;
    }
    eg_ref attributes = eg_py_attributes(pickle, ref);
    if (node->count) return size_text(arena, node->mapping ? node->count / 2 : node->count);
    return attributes ? size_text(arena, node_of(pickle, attributes)->count / 2) : "";
}
