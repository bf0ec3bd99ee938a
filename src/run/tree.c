#include "run/tree.h"

#include <string.h>

#include "base/map.h"
#include "base/str.h"

enum { MAX_LEVELS = 32 }; /* deeper names keep their rest in one piece */

typedef struct branch {
    const char *label;
    const char *make; /* text of everything below; equal texts fold */
    size_t entry;     /* position + 1, or 0 */
    struct branch **children;
    size_t count, capacity;
    eg_map *index;
} branch;

typedef struct planter {
    eg_arena *arena;
    const eg_store *store;
    bool fold;
    eg_tree_line *lines;
    size_t count, capacity;
} planter;

static branch *child_of(planter *p, branch *parent, const char *label)
{
    if (!parent->index) parent->index = eg_map_new(p->arena);
    int64_t at = eg_map_find(parent->index, label);
    if (at >= 0) return parent->children[at];
    if (parent->count == parent->capacity) {
        parent->capacity = parent->capacity ? parent->capacity * 2 : 4;
        branch **more = EG_NEW_ARRAY(p->arena, branch *, parent->capacity);
        if (parent->count) memcpy(more, parent->children, parent->count * sizeof(branch *));
        parent->children = more;
    }
    eg_map_add(parent->index, label, (int64_t)parent->count);
    branch *child = parent->children[parent->count++] = EG_NEW(p->arena, branch);
    child->label = label;
    return child;
}

static void plant(planter *p, branch *root, size_t position)
{
    const char *rest = p->store->entries[position].name;
    branch *at = root;
    for (int level = 1; level < MAX_LEVELS && strchr(rest, '.'); level++) {
        size_t n = strcspn(rest, ".");
        at = child_of(p, at, eg_arena_substring(p->arena, rest, n));
        rest += n + 1;
    }
    at = child_of(p, at, rest);
    at->entry = position + 1;
}

/* Describes a branch by what is below it. At most MAX_LEVELS deep. */
static const char *describe(planter *p, branch *b)
{
    eg_buf buf = {0};
    if (b->entry) {
        const eg_entry *entry = &p->store->entries[b->entry - 1];
        eg_buf_printf(&buf, "%s%s", eg_dtype_name(entry->dtype), eg_shape_text(p->arena, entry->shape));
    }
    for (size_t i = 0; i < b->count; i++)
        eg_buf_printf(&buf, "{%s:%s}", b->children[i]->label, describe(p, b->children[i]));
    return b->make = eg_buf_take(&buf, p->arena);
}

static bool is_number(const char *label)
{
    size_t n = strspn(label, "0123456789");
    return n > 0 && label[n] == '\0';
}

static void add_line(planter *p, int level, const char *label, size_t entry)
{
    if (p->count == p->capacity) {
        p->capacity = p->capacity ? p->capacity * 2 : 64;
        eg_tree_line *more = EG_NEW_ARRAY(p->arena, eg_tree_line, p->capacity);
        if (p->count) memcpy(more, p->lines, p->count * sizeof *more);
        p->lines = more;
    }
    const eg_entry *shown = entry ? &p->store->entries[entry - 1] : NULL;
    p->lines[p->count++] = (eg_tree_line){eg_arena_printf(p->arena, "%*s%s", 2 * level, "", label), shown,
                                          entry ? entry - 1 : 0};
}

/* A branch with one child and no tensor of its own shares the child's line. */
static void print_branch(planter *p, const branch *b, int level, const char *label)
{
    while (!b->entry && b->count == 1) {
        b = b->children[0];
        label = eg_arena_printf(p->arena, "%s.%s", label, b->label);
    }
    add_line(p, level, label, b->entry);
    for (size_t i = 0; i < b->count;) {
        const branch *child = b->children[i];
        size_t alike = 1;
        while (p->fold && is_number(child->label) && i + alike < b->count &&
               is_number(b->children[i + alike]->label) &&
               strcmp(child->make, b->children[i + alike]->make) == 0)
            alike++;
        const char *name = child->label;
        if (alike > 1)
            name = eg_arena_printf(p->arena, "%s…%s ×%zu", name, b->children[i + alike - 1]->label, alike);
        print_branch(p, child, level + 1, name);
        i += alike;
    }
}

const eg_tree_line *eg_tree_lines(eg_arena *arena, const eg_store *store, bool fold, size_t *count)
{
    planter p = {.arena = arena, .store = store, .fold = fold};
    branch root = {.label = ""};
    for (size_t i = 0; i < store->count; i++) plant(&p, &root, i);
    describe(&p, &root);
    for (size_t i = 0; i < root.count; i++) print_branch(&p, root.children[i], 0, root.children[i]->label);
    *count = p.count;
    return p.lines;
}
