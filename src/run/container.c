#include "run/container.h"

#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "engraft/checkpoint.h"
#include "format/yaml.h"

enum { CONTAINERS = 12, DEPTH = 2 };

typedef struct container {
    const char *path; /* dotted */
    size_t met;       /* target tensors that find a source tensor there */
} container;

/* The mappings that hold the file's tensors, by the names that these have from the top level on. */
static size_t list_paths(eg_arena *arena, const eg_store *store, container *out)
{
    eg_map *seen = eg_map_new(arena);
    size_t count = 0;
    for (size_t i = 0; i < store->count; i++) {
        const char *at = store->entries[i].name;
        for (int depth = 0; depth < DEPTH && (at = strchr(at, '.')); depth++, at++) {
            size_t length = (size_t)(at - store->entries[i].name);
            const char *path = eg_arena_substring(arena, store->entries[i].name, length);
            if (count < CONTAINERS && eg_map_add(seen, path, 0)) out[count++] = (container){path, 0};
        }
    }
    return count;
}

static bool measure(eg_arena *arena, const eg_recipe *recipe, const eg_net *net, container *c)
{
    const eg_checkpoint_options options = {.state_dict = c->path};
    eg_checkpoint *file = eg_checkpoint_open(recipe->source.checkpoint, &options, NULL);
    if (!file) return false;
    c->met = eg_plan_reach(arena, recipe, net, &file->store);
    eg_checkpoint_close(file);
    return true;
}

/* The best first; the others keep the file's order. */
static size_t measure_all(eg_arena *arena, const eg_recipe *recipe, const eg_net *net, container *list)
{
    const eg_checkpoint_options whole = {.state_dict = "."};
    eg_checkpoint *file = eg_checkpoint_open(recipe->source.checkpoint, &whole, NULL);
    size_t count = file ? list_paths(arena, &file->store, list) : 0, kept = 0;
    eg_checkpoint_close(file);
    for (size_t i = 0; i < count; i++) {
        container one = list[i];
        size_t at = kept;
        if (!measure(arena, recipe, net, &one) || !one.met) continue;
        for (; at > 0 && list[at - 1].met < one.met; at--) list[at] = list[at - 1];
        list[at] = one;
        kept++;
    }
    return kept;
}

static void suggest(eg_arena *arena, const eg_recipe *recipe, const char *path, eg_problems *problems)
{
    const eg_doc *source = eg_doc_find(recipe->doc, "source"), *file = eg_doc_find(source, "checkpoint");
    const char *text = file ? file->text : source && source->kind == EG_DOC_SCALAR ? source->text : "…";
    eg_problem_suggest(problems, "%s",
                       eg_arena_printf(arena, "source: {checkpoint: '%s', state_dict: '%s'}", text, path));
}

bool eg_container_diagnose(eg_arena *arena, const eg_recipe *recipe, const eg_net *net, const char *taken,
                           const char *why, eg_problems *problems)
{
    container list[CONTAINERS];
    size_t count = measure_all(arena, recipe, net, list), own = 0;
    eg_buf text = {0};
    for (size_t i = 0; taken && i < count; i++)
        if (strcmp(list[i].path, taken) == 0) own = list[i].met;
    if (!count || (!why && list[0].met <= own)) return false;
    if (!why) eg_buf_puts(&text, "another part of the file fits better");
    for (size_t i = 0; i < count; i++)
        eg_buf_printf(&text, "%s%zu target tensor%s meet in '%s'",
                      i     ? ", "
                      : why ? "; "
                            : ": ",
                      list[i].met, list[i].met == 1 ? "" : "s", list[i].path);
    eg_problem_add(problems, why ? "SEL-001" : "container", recipe->source.place, "%s%s", why ? why : "",
                   text.data);
    suggest(arena, recipe, list[0].path, problems);
    eg_buf_clear(&text);
    return true;
}
