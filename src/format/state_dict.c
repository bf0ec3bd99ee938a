#include "format/state_dict.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/str.h"
#include "format/pickle_value.h"
#include "tensor/quantization.h"

enum {
    MAX_DEPTH = 1000,
    MAX_TENSORS = 1000 * 1000,
    MAX_NAME = 4096,
    MAX_NAME_BYTES = 256 << 20, /* of all names together; bounds the walk over shared structure, too */
    MAX_VALUES = 2000,          /* listed for people; more are summed up */
    EXPANDED_PAIRS = 64,        /* a dict without tensors of at most so many pairs is listed pair by pair */
    EXPANDED_DEPTH = 3,
};

void eg_checkpoint_warn(eg_arena *arena, eg_checkpoint *out, const char *format, ...)
{
    const char **more = EG_NEW_ARRAY(arena, const char *, out->warning_count + 1);
    va_list args;
    va_start(args, format);
    if (out->warning_count) memcpy(more, out->warnings, out->warning_count * sizeof *more);
    more[out->warning_count++] = eg_arena_vprintf(arena, format, args);
    va_end(args);
    out->warnings = more;
}

/* ---- references ---- */

bool eg_state_dict_references(const eg_pickle *pickle, const eg_checkpoint_options *options, eg_arena *arena,
                              eg_checkpoint *out, eg_error *err)
{
    eg_map *seen = eg_map_new(arena);
    eg_checkpoint_reference *list = NULL;
    size_t capacity = 0;
    for (eg_ref i = 1; i < pickle->count; i++) {
        const eg_py_node *node = eg_pickle_node(pickle, i);
        if (node->kind != EG_PY_GLOBAL || eg_global_is_plain(node->module, node->name)) continue;
        bool dangerous = eg_global_is_dangerous(node->module, node->name);
        if (dangerous && !options->inspect)
            return eg_fail_id(
                err, EG_UNSAFE, "PKL-013",
                "UNSAFE: the file references %s.%s (offset %llu); a Python loader could execute it",
                node->module, node->name, (unsigned long long)node->offset);
        if (!eg_map_add(seen, eg_arena_printf(arena, "%s\n%s", node->module, node->name), 1)) continue;
        if (!list || out->reference_count == capacity) {
            capacity = capacity ? capacity * 2 : 16;
            eg_checkpoint_reference *more = EG_NEW_ARRAY(arena, eg_checkpoint_reference, capacity);
            if (list) memcpy(more, list, out->reference_count * sizeof *more);
            out->references = list = more;
        }
        list[out->reference_count++] =
            (eg_checkpoint_reference){node->module, node->name, node->offset, dangerous};
    }
    return true;
}

/* ---- the tree ---- */

/* What stands below a node, worked out once. */
typedef struct branch {
    const eg_py_pair *children;
    uint32_t count;
    uint32_t tensors; /* below it and itself, at most UINT32_MAX; a cycle counts once */
    bool expanded, counted, on_path;
} branch;

typedef struct walker {
    eg_torch *torch;
    const eg_pickle *pickle;
    eg_arena *arena;
    const eg_checkpoint_options *options;
    eg_checkpoint *out;
    branch *branches; /* by node */
    uint8_t *barren;  /* by node: nothing below it is a tensor, whatever the path */
    eg_entry *entries;
    size_t entry_count, entry_capacity;
    eg_map *names;
    size_t name_bytes;
    eg_checkpoint_value *values;
    size_t value_capacity;
    eg_error *err;
} walker;

/* The attribute tables of a torch.nn.Module's pickle, or false. */
typedef struct module_tables {
    eg_ref parameters, buffers, modules, transient;
} module_tables;

static bool is_module(const walker *w, eg_ref ref, module_tables *tables)
{
    eg_ref attributes = eg_py_attributes(w->pickle, ref);
    if (!attributes) return false;
    *tables = (module_tables){eg_py_get(w->pickle, attributes, "_parameters"),
                              eg_py_get(w->pickle, attributes, "_buffers"),
                              eg_py_get(w->pickle, attributes, "_modules"),
                              eg_py_get(w->pickle, attributes, "_non_persistent_buffers_set")};
    return tables->parameters && tables->modules;
}

/* A TorchScript module, also one whose class the code does not define. */
static bool is_script(const walker *w, eg_ref ref, const char **class)
{
    const eg_py_node *maker = w->torch->script ? eg_py_maker(w->pickle, ref) : NULL;
    if (!maker || !eg_py_attributes(w->pickle, ref)) return false;
    if (strcmp(maker->module, "__torch__") != 0 && !eg_starts_with(maker->module, "__torch__.")) return false;
    *class = eg_arena_printf(w->arena, "%s.%s", maker->module, maker->name);
    return eg_map_find(w->torch->script, *class) != EG_SCRIPT_OTHER;
}

static bool is_any_module(const walker *w, eg_ref ref)
{
    module_tables tables;
    const char *class;
    return is_module(w, ref, &tables) || is_script(w, ref, &class);
}

static bool is_transient(const walker *w, eg_ref set, const char *name)
{
    const eg_ref *items;
    uint32_t count;
    if (!set || !eg_py_items(w->pickle, set, &items, &count)) return false;
    for (uint32_t i = 0; i < count; i++)
        if (eg_py_is_text(w->pickle, items[i], name)) return true;
    return false;
}

/* Module.state_dict(): own parameters, own persistent buffers, then the children. */
static bool expand_module(walker *w, const module_tables *tables, branch *b)
{
    const eg_ref refs[3] = {tables->parameters, tables->buffers, tables->modules};
    const eg_py_pair *pairs[3] = {0};
    uint32_t counts[3] = {0}, total = 0;
    for (int i = 0; i < 3; i++) {
        if (refs[i]) eg_py_pairs(w->arena, w->pickle, refs[i], &pairs[i], &counts[i]);
        total += counts[i];
    }
    eg_py_pair *children = EG_NEW_ARRAY(w->arena, eg_py_pair, total);
    eg_map *seen = eg_map_new(w->arena);
    for (int i = 0; i < 3; i++)
        for (uint32_t j = 0; j < counts[i]; j++) {
            if (eg_py_is_none(w->pickle, pairs[i][j].value)) continue;
            if (i == 1 && is_transient(w, tables->transient, pairs[i][j].key)) continue;
            if (!eg_map_add(seen, pairs[i][j].key, i))
                return eg_fail(w->err, EG_MALFORMED, "a module has two entries named '%s'", pairs[i][j].key);
            children[b->count++] = pairs[i][j];
        }
    b->children = children;
    return true;
}

/* Where an attribute of a TorchScript module stands in the state dict: 0 parameters, 1 buffers, 2 modules; 3:
 * nowhere. Without code every tensor is a buffer. */
static int script_turn(const walker *w, const char *class, const eg_py_pair *attribute)
{
    const char *key = eg_arena_printf(w->arena, "%s\n%s", class, attribute->key);
    int64_t role = eg_map_find(w->torch->script, key);
    bool tensor = eg_torch_is_tensor(w->torch, attribute->value);
    if (!tensor) return is_script(w, attribute->value, &key) ? 2 : 3;
    if (eg_map_find(w->torch->script, class) < 0) return 1;
    return role == EG_SCRIPT_PARAMETER ? 0 : role == EG_SCRIPT_BUFFER ? 1 : 3;
}

static void expand_script(walker *w, eg_ref ref, const char *class, branch *b)
{
    const eg_py_pair *pairs;
    uint32_t count;
    if (!eg_py_pairs(w->arena, w->pickle, eg_py_attributes(w->pickle, ref), &pairs, &count)) return;
    eg_py_pair *children = EG_NEW_ARRAY(w->arena, eg_py_pair, count);
    uint8_t *turns = EG_NEW_ARRAY(w->arena, uint8_t, count);
    for (uint32_t i = 0; i < count; i++) turns[i] = (uint8_t)script_turn(w, class, &pairs[i]);
    for (int turn = 0; turn < 3; turn++)
        for (uint32_t i = 0; i < count; i++)
            if (turns[i] == turn) children[b->count++] = pairs[i];
    b->children = children;
}

static bool expand_items(walker *w, eg_ref ref, branch *b)
{
    const eg_ref *items;
    uint32_t count;
    if (eg_pickle_node(w->pickle, ref)->kind == EG_PY_SET || !eg_py_items(w->pickle, ref, &items, &count))
        return true;
    eg_py_pair *children = EG_NEW_ARRAY(w->arena, eg_py_pair, count);
    for (uint32_t i = 0; i < count; i++)
        children[i] = (eg_py_pair){eg_arena_printf(w->arena, "%u", i), false, items[i]};
    b->children = children;
    b->count = count;
    return true;
}

static bool expand(walker *w, eg_ref ref)
{
    branch *b = &w->branches[ref];
    module_tables tables;
    const char *class;
    if (b->expanded) return true;
    b->expanded = true;
    if (eg_torch_is_tensor(w->torch, ref)) return true;
    if (is_module(w, ref, &tables)) return expand_module(w, &tables, b);
    if (is_script(w, ref, &class)) {
        expand_script(w, ref, class, b);
        return true;
    }
    if (eg_py_pairs(w->arena, w->pickle, ref, &b->children, &b->count)) return true;
    return expand_items(w, ref, b);
}

static uint32_t sum(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static bool too_deep(walker *w)
{
    return eg_fail_id(w->err, EG_MALFORMED, "PKL-010", "nesting deeper than %u", MAX_DEPTH);
}

/* Counts the tensors below a node; every node is visited once, so shared structure costs nothing. */
static bool count_tensors(walker *w, eg_ref root)
{
    struct {
        eg_ref ref;
        uint32_t next;
    } stack[MAX_DEPTH];
    size_t depth = 0;
    if (w->branches[root].counted) return true;
    stack[depth].ref = root, stack[depth++].next = 0;
    while (depth) {
        eg_ref ref = stack[depth - 1].ref;
        branch *b = &w->branches[ref];
        if (!b->on_path) {
            if (!expand(w, ref)) return false;
            b->on_path = true;
            b->tensors = eg_torch_is_tensor(w->torch, ref);
        }
        if (stack[depth - 1].next < b->count) {
            const branch *child = &w->branches[b->children[stack[depth - 1].next].value];
            eg_ref next = b->children[stack[depth - 1].next++].value;
            if (child->counted) {
                b->tensors = sum(b->tensors, child->tensors);
            } else if (!child->on_path) {
                if (depth == MAX_DEPTH) return too_deep(w);
                stack[depth].ref = next, stack[depth++].next = 0;
            }
            continue;
        }
        b->counted = true;
        b->on_path = false;
        if (--depth)
            w->branches[stack[depth - 1].ref].tensors =
                sum(w->branches[stack[depth - 1].ref].tensors, b->tensors);
    }
    return true;
}

/* ---- values ---- */

/* A place in the list of values; NULL when it is full. */
static eg_checkpoint_value *new_value(walker *w)
{
    eg_checkpoint *out = w->out;
    if (out->value_count >= MAX_VALUES) return NULL;
    if (out->value_count == w->value_capacity) {
        w->value_capacity = w->value_capacity ? w->value_capacity * 2 : 32;
        eg_checkpoint_value *more = EG_NEW_ARRAY(w->arena, eg_checkpoint_value, w->value_capacity);
        if (out->value_count) memcpy(more, w->values, out->value_count * sizeof *more);
        out->values = w->values = more;
    }
    return &w->values[out->value_count++];
}

static void add_value(walker *w, const char *name, eg_ref ref)
{
    eg_entry entry = {0};
    eg_checkpoint_value *value = new_value(w);
    if (!value) return;
    value->name = name;
    if (eg_torch_is_tensor(w->torch, ref)) {
        bool readable = eg_torch_tensor(w->torch, ref, name, &entry, NULL);
        value->type = "tensor";
        value->text = readable ? eg_arena_printf(w->arena, "%s %s", eg_dtype_name(entry.dtype),
                                                 eg_shape_text(w->arena, entry.shape))
                               : "";
    } else {
        value->type = eg_py_type(w->arena, w->pickle, ref);
        value->text = eg_py_short(w->arena, w->pickle, ref);
        if (w->branches[ref].counted && w->branches[ref].tensors)
            value->text = eg_arena_printf(w->arena, "%s, %u tensor%s", value->text, w->branches[ref].tensors,
                                          w->branches[ref].tensors == 1 ? "" : "s");
    }
}

static const char *join(eg_arena *arena, const char *prefix, const char *label)
{
    return *prefix ? eg_arena_printf(arena, "%s.%s", prefix, label) : label;
}

/* Lists a value, and what is in it where that is a small dict without tensors. The recursion is three deep at
 * most. */
static bool list_value(walker *w, const char *name, eg_ref ref, int depth)
{
    if (!count_tensors(w, ref)) return false;
    const branch *b = &w->branches[ref];
    add_value(w, name, ref);
    const eg_py_pair *pairs;
    uint32_t count;
    bool small = !b->tensors && b->count <= EXPANDED_PAIRS && depth < EXPANDED_DEPTH;
    if (!small || !eg_py_pairs(w->arena, w->pickle, ref, &pairs, &count)) return true;
    for (uint32_t i = 0; i < count; i++)
        if (!list_value(w, join(w->arena, name, pairs[i].key), pairs[i].value, depth + 1)) return false;
    return true;
}

/* ---- choosing ---- */

static const char *const customary[] = {
    "state_dict", "model_state_dict", "model",     "module",  "net",     "weights", "params", "params_ema",
    "ema",        "state_dict_ema",   "generator", "encoder", "teacher", "student",
};

static bool is_customary(const char *label)
{
    for (size_t i = 0; i < sizeof customary / sizeof *customary; i++)
        if (strcmp(label, customary[i]) == 0) return true;
    return false;
}

/* State of the training itself, never the model. */
static bool is_training_state(const char *label)
{
    static const char *const parts[] = {"optim", "sched", "scaler", "rng", "random"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(label, parts[i])) return true;
    return false;
}

/* Dict-like or module-like, with a tensor somewhere. */
static bool is_candidate(walker *w, eg_ref ref)
{
    const eg_py_pair *pairs;
    uint32_t count;
    if (eg_torch_is_tensor(w->torch, ref) || !w->branches[ref].tensors) return false;
    return is_any_module(w, ref) || eg_py_pairs(w->arena, w->pickle, ref, &pairs, &count);
}

/* True when the node's own children are tensors, or sequences of them. */
static bool has_own_tensors(walker *w, eg_ref ref)
{
    const branch *b = &w->branches[ref];
    for (uint32_t i = 0; i < b->count; i++) {
        eg_ref child = b->children[i].value;
        if (w->branches[child].tensors && !is_candidate(w, child)) return true;
    }
    return false;
}

static const char *key_list(walker *w, eg_ref ref)
{
    const branch *b = &w->branches[ref];
    eg_buf buf = {0};
    for (uint32_t i = 0; i < b->count && i < 20; i++)
        eg_buf_printf(&buf, "%s%s", i ? ", " : "", b->children[i].key);
    if (b->count > 20) eg_buf_printf(&buf, ", … (%u)", b->count);
    if (!b->count) eg_buf_printf(&buf, "none, it is a %s", eg_py_type(w->arena, w->pickle, ref));
    return eg_buf_take(&buf, w->arena);
}

/* Children of the one kind or the other; *found is the last. Distinct nodes count once. */
static size_t candidates(walker *w, eg_ref ref, bool named, const eg_py_pair **found, eg_buf *names)
{
    const branch *b = &w->branches[ref];
    size_t count = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        const eg_py_pair *child = &b->children[i];
        bool wanted = named ? is_customary(child->key) : !is_training_state(child->key);
        if (!wanted || !is_candidate(w, child->value) || (*found && (*found)->value == child->value))
            continue;
        eg_buf_printf(names, "%s%s (%u tensor%s)", count ? ", " : "", child->key,
                      w->branches[child->value].tensors, w->branches[child->value].tensors == 1 ? "" : "s");
        *found = child;
        count++;
    }
    return count;
}

static void warn_of_others(walker *w, eg_ref ref, const eg_py_pair *chosen)
{
    const branch *b = &w->branches[ref];
    for (uint32_t i = 0; i < b->count; i++) {
        const eg_py_pair *child = &b->children[i];
        if (child == chosen || child->value == chosen->value || is_training_state(child->key)) continue;
        if (is_candidate(w, child->value))
            eg_checkpoint_warn(w->arena, w->out,
                               "'%s' was taken as the state dict; '%s' holds %u tensors too", chosen->key,
                               child->key, w->branches[child->value].tensors);
    }
}

/* One step down from a node without tensors of its own. *next stays 0 when the node itself is the state dict.
 */
static bool choose(walker *w, eg_ref ref, bool top, const eg_py_pair **next)
{
    eg_buf names = {0};
    const eg_py_pair *found = NULL;
    *next = NULL;
    if (is_any_module(w, ref)) return true;
    size_t count = candidates(w, ref, true, &found, &names);
    if (!top && (count != 1 || w->branches[found->value].tensors != w->branches[ref].tensors))
        count = SIZE_MAX;
    if (count == 0 && !has_own_tensors(w, ref)) count = candidates(w, ref, false, &found, &names);
    if (count == 1) *next = found;
    if (count == 1) warn_of_others(w, ref, found);
    bool several = count > 1 && count != SIZE_MAX;
    if (several)
        eg_fail_id(w->err, EG_RECIPE, "SEL-001", "several state dicts: %s; set `state_dict:` in the recipe",
                   names.data);
    eg_buf_clear(&names);
    return !several;
}

/* Follows a dotted path; labels may hold dots themselves, the longest that fits is taken. */
static bool follow(walker *w, eg_ref *ref, const char *path)
{
    const char *rest = path;
    while (*rest && strcmp(rest, ".") != 0) {
        const branch *b = &w->branches[*ref];
        const eg_py_pair *best = NULL;
        if (!count_tensors(w, *ref)) return false;
        for (uint32_t i = 0; i < b->count; i++) {
            const char *key = b->children[i].key;
            size_t n = strlen(key);
            bool fits = strncmp(rest, key, n) == 0 && (rest[n] == '\0' || rest[n] == '.');
            if (fits && (!best || n > strlen(best->key))) best = &b->children[i];
        }
        if (!best)
            return eg_fail_id(w->err, EG_RECIPE, "SEL-003", "the file has no '%s' (keys there: %s)", path,
                              key_list(w, *ref));
        rest += strlen(best->key);
        rest += *rest == '.';
        *ref = best->value;
    }
    return count_tensors(w, *ref);
}

/* Lists what stands beside the chosen child. */
static bool list_siblings(walker *w, eg_ref parent, const char *prefix, eg_ref chosen)
{
    const branch *b = &w->branches[parent];
    for (uint32_t i = 0; i < b->count; i++) {
        if (b->children[i].value == chosen) continue;
        if (!list_value(w, join(w->arena, prefix, b->children[i].key), b->children[i].value, 0)) return false;
    }
    return true;
}

/* From the root to the state dict. */
static bool select_root(walker *w, eg_ref *selected)
{
    eg_ref root = w->pickle->root;
    const char *path = "";
    if (!count_tensors(w, root)) return false;
    if (w->options->state_dict) {
        *selected = root;
        if (!follow(w, selected, w->options->state_dict)) return false;
        path = strcmp(w->options->state_dict, ".") == 0 ? "" : w->options->state_dict;
        if (*selected != root && !list_siblings(w, root, "", *selected)) return false;
    } else {
        const eg_py_pair *next = NULL;
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
            if (!choose(w, root, depth == 0, &next)) return false;
            if (!next) break;
            if (!list_siblings(w, root, path, next->value)) return false;
            path = join(w->arena, path, next->key);
            root = next->value;
        }
        *selected = root;
    }
    w->out->state_dict = eg_arena_string(w->arena, path);
    if (w->branches[*selected].tensors == 0 && is_any_module(w, *selected))
        eg_checkpoint_warn(w->arena, w->out, "the module has neither parameters nor buffers");
    else if (w->branches[*selected].tensors == 0)
        return eg_fail_id(w->err, EG_MALFORMED, "SEL-002", "no tensors found (top-level keys: %s)",
                          key_list(w, w->pickle->root));
    return true;
}

/* ---- emitting ---- */

/* How a quantized tensor's integers are to be read, as a value beside it. */
static void add_quantization(walker *w, const char *name, const eg_entry *entry)
{
    eg_checkpoint_value *value = new_value(w);
    if (!value) return;
    value->name = name;
    value->type = "quantization";
    value->text = eg_quantization_text(w->arena, entry->quantization);
}

static bool emit(walker *w, const char *name, eg_ref ref)
{
    eg_error why = {0};
    eg_entry entry;
    if (w->entry_count >= MAX_TENSORS)
        return eg_fail_id(w->err, EG_MALFORMED, "PKL-011", "limit exceeded: %s (%llu > %llu)", "tensors",
                          (unsigned long long)MAX_TENSORS + 1, (unsigned long long)MAX_TENSORS);
    if (strlen(name) > MAX_NAME)
        return eg_fail_id(w->err, EG_MALFORMED, "PKL-011", "limit exceeded: %s (%llu > %llu)",
                          "bytes of a tensor's name", (unsigned long long)strlen(name),
                          (unsigned long long)MAX_NAME);
    if (!eg_torch_tensor(w->torch, ref, name, &entry, &why)) {
        bool unsupported = strcmp(why.id, "TEN-009") == 0 || strcmp(why.id, "TEN-010") == 0;
        if (!w->options->inspect || !unsupported) return eg_fail_id(w->err, why.code, why.id, "%s", why.text);
        eg_checkpoint_warn(w->arena, w->out, "%s: %s", why.id, why.text);
        return true;
    }
    if (!eg_map_add(w->names, name, (int64_t)w->entry_count))
        return eg_fail(w->err, EG_MALFORMED, "two tensors are named '%s'", name);
    if (w->entry_count == w->entry_capacity) {
        w->entry_capacity = w->entry_capacity ? w->entry_capacity * 2 : 256;
        eg_entry *more = EG_NEW_ARRAY(w->arena, eg_entry, w->entry_capacity);
        if (w->entry_count) memcpy(more, w->entries, w->entry_count * sizeof *more);
        w->entries = more;
    }
    w->entries[w->entry_count++] = entry;
    if (entry.quantization) add_quantization(w, name, &entry);
    return true;
}

/* Follows every edge of the raw tree, also those into opaque objects. Nodes without tensors are marked for
 * good. */
static bool reaches_tensor(walker *w, eg_ref root)
{
    size_t height = 0, capacity = 64;
    eg_ref *stack = eg_malloc(capacity * sizeof *stack);
    bool found = false;
    stack[height++] = root;
    while (height && !found) {
        eg_ref ref = stack[--height];
        const eg_py_node *node = eg_pickle_node(w->pickle, ref);
        if (w->barren[ref]) continue;
        w->barren[ref] = 1;
        found = eg_torch_is_tensor(w->torch, ref);
        bool container = (node->kind >= EG_PY_TUPLE && node->kind <= EG_PY_SET) || node->kind >= EG_PY_CALL;
        size_t need = height + 3 + (container ? node->count : 0);
        while (need > capacity) {
            capacity *= 2;
            stack = eg_realloc(stack, eg_size_product(capacity, sizeof *stack));
        }
        if (node->kind >= EG_PY_CALL) {
            stack[height++] = node->args;
            if (node->state) stack[height++] = node->state;
        }
        for (uint32_t i = 0; container && i < node->count; i++) stack[height++] = node->items[i];
    }
    free(stack);
    return found;
}

/* A value of the state dict that is not a tensor: listed; but an object that hides tensors is refused, since
 * what they mean is known to its class alone. */
static bool emit_value(walker *w, const char *name, eg_ref ref)
{
    const eg_py_node *maker = eg_py_maker(w->pickle, ref);
    bool opaque = maker && !eg_global_is_plain(maker->module, maker->name);
    if (opaque && !w->options->inspect && !is_any_module(w, ref) && reaches_tensor(w, ref))
        return eg_fail_id(w->err, EG_UNSAFE, "PKL-013",
                          "UNSAFE: the file references %s.%s (offset %llu); a Python loader could execute it",
                          maker->module, maker->name, (unsigned long long)maker->offset);
    return list_value(w, join(w->arena, w->out->state_dict, name), ref, 0);
}

/* Tensors that a module keeps as plain attributes are not part of its state dict. */
static void report_attributes(walker *w, const char *name, eg_ref ref)
{
    module_tables tables;
    const eg_py_pair *pairs;
    const char *class;
    uint32_t count;
    bool plain = is_module(w, ref, &tables);
    if (!plain && !is_script(w, ref, &class)) return;
    if (!eg_py_pairs(w->arena, w->pickle, eg_py_attributes(w->pickle, ref), &pairs, &count)) return;
    for (uint32_t i = 0; i < count; i++)
        if (eg_torch_is_tensor(w->torch, pairs[i].value) && (plain || script_turn(w, class, &pairs[i]) == 3))
            eg_checkpoint_warn(w->arena, w->out,
                               "'%s' is a plain attribute of a module, not part of its state dict",
                               join(w->arena, name, pairs[i].key));
}

typedef struct frame {
    eg_ref ref;
    uint32_t next;
    const char *name;
} frame;

/* Enters a child; leaves are emitted at once. */
static bool enter(walker *w, frame *stack, size_t *depth, const char *name, eg_ref ref)
{
    branch *b = &w->branches[ref];
    if (eg_torch_is_tensor(w->torch, ref)) return emit(w, name, ref);
    if (b->on_path) return true;
    if (!count_tensors(w, ref)) return false;
    if (!b->tensors) report_attributes(w, name, ref);
    if (!b->tensors) return *name ? emit_value(w, name, ref) : true; /* the root: a module without state */
    if (*depth == MAX_DEPTH) return too_deep(w);
    report_attributes(w, name, ref);
    b->on_path = true;
    stack[(*depth)++] = (frame){ref, 0, name};
    return true;
}

static bool emit_all(walker *w, eg_ref root)
{
    frame *stack = EG_NEW_ARRAY(w->arena, frame, MAX_DEPTH);
    size_t depth = 0;
    if (w->branches[root].tensors > MAX_TENSORS)
        return eg_fail_id(w->err, EG_MALFORMED, "PKL-011", "limit exceeded: %s (%llu > %llu)", "tensors",
                          (unsigned long long)w->branches[root].tensors, (unsigned long long)MAX_TENSORS);
    if (eg_torch_is_tensor(w->torch, root)) return emit(w, "tensor", root);
    if (!enter(w, stack, &depth, "", root)) return false;
    while (depth) {
        frame *f = &stack[depth - 1];
        const branch *b = &w->branches[f->ref];
        if (f->next == b->count) {
            w->branches[f->ref].on_path = false;
            depth--;
            continue;
        }
        const eg_py_pair *child = &b->children[f->next++];
        w->name_bytes += strlen(f->name) + strlen(child->key) + 1;
        if (w->name_bytes > MAX_NAME_BYTES)
            return eg_fail_id(w->err, EG_MALFORMED, "PKL-011", "limit exceeded: %s (%llu > %llu)",
                              "bytes of names", (unsigned long long)w->name_bytes,
                              (unsigned long long)MAX_NAME_BYTES);
        if (!enter(w, stack, &depth, join(w->arena, f->name, child->key), child->value)) return false;
    }
    return true;
}

/* `_metadata`: module path -> {'version': n}. */
static void read_versions(walker *w, eg_ref ref)
{
    eg_ref attributes = eg_py_attributes(w->pickle, ref);
    eg_ref metadata = attributes ? eg_py_get(w->pickle, attributes, "_metadata") : 0;
    const eg_py_pair *pairs;
    uint32_t count;
    if (!metadata || !eg_py_pairs(w->arena, w->pickle, metadata, &pairs, &count)) return;
    eg_module_version *versions = EG_NEW_ARRAY(w->arena, eg_module_version, count);
    w->out->versions = versions;
    for (uint32_t i = 0; i < count; i++) {
        eg_ref number = eg_py_get(w->pickle, pairs[i].value, "version");
        eg_module_version *version = &versions[w->out->version_count];
        version->path = pairs[i].key;
        if (number && eg_py_int(w->pickle, number, &version->version)) w->out->version_count++;
    }
}

static walker walk(eg_torch *torch, const eg_checkpoint_options *options, eg_checkpoint *out, eg_error *err)
{
    eg_arena *arena = torch->arena;
    return (walker){.torch = torch,
                    .pickle = torch->pickle,
                    .arena = arena,
                    .options = options,
                    .out = out,
                    .branches = EG_NEW_ARRAY(arena, branch, torch->pickle->count),
                    .barren = EG_NEW_ARRAY(arena, uint8_t, torch->pickle->count),
                    .names = eg_map_new(arena),
                    .err = err};
}

bool eg_state_dict_extract(eg_torch *torch, const eg_checkpoint_options *options, eg_checkpoint *out,
                           eg_error *err)
{
    walker w = walk(torch, options, out, err);
    eg_ref selected = 0;
    if (!select_root(&w, &selected) || !emit_all(&w, selected)) return false;
    read_versions(&w, selected);
    out->store = (eg_store){.entries = w.entries, .count = w.entry_count, .index = w.names};
    return true;
}

bool eg_state_dict_list(eg_torch *torch, const eg_checkpoint_options *options, eg_checkpoint *out,
                        eg_error *err)
{
    walker w = walk(torch, options, out, err);
    const eg_py_pair *pairs;
    uint32_t count;
    eg_ref root = torch->pickle->root;
    if (!eg_py_pairs(w.arena, w.pickle, root, &pairs, &count)) return list_value(&w, "value", root, 0);
    for (uint32_t i = 0; i < count; i++)
        if (!list_value(&w, pairs[i].key, pairs[i].value, 0)) return false;
    return true;
}
