#include "run/source_arch.h"

#include <string.h>

#include "base/map.h"
#include "format/yaml.h"

/* {num_classes: n}, or NULL: the architecture's own number. */
static const eg_doc *arguments(eg_arena *arena, const eg_source_section *source)
{
    eg_error err = {0};
    const char *text = eg_arena_printf(arena, "{num_classes: %zu}", source->class_count);
    return source->class_count ? eg_doc_parse(arena, "source.classes", text, strlen(text), &err) : NULL;
}

/* How many of the network's parameters find a source tensor of their shape; each source tensor serves once.
 */
static size_t count_met(eg_arena *arena, const eg_net *net, const eg_store *source, size_t *wanted)
{
    eg_map *stock = eg_map_new(arena);
    size_t met = 0;
    for (size_t i = 0; i < source->count; i++) {
        const char *shape = eg_shape_text(arena, source->entries[i].shape);
        int64_t count = eg_map_find(stock, shape);
        eg_map_set(stock, shape, count < 0 ? 1 : count + 1);
    }
    *wanted = 0;
    for (int32_t p = 0; p < net->param_count; p++) {
        const char *shape = eg_shape_text(arena, net->params[p].shape);
        int64_t count = eg_map_find(stock, shape);
        if (net->params[p].buffer) continue;
        ++*wanted;
        if (count <= 0) continue;
        eg_map_set(stock, shape, count - 1);
        met++;
    }
    return met;
}

bool eg_source_arch_check(eg_arena *arena, const eg_recipe *recipe, const eg_store *source,
                          eg_problems *problems, eg_error *err)
{
    const eg_source_section *section = &recipe->source;
    size_t wanted;
    if (!section->given || !section->arch) return true;
    const eg_net *net = eg_net_read(arena, section->arch, arguments(arena, section), problems, err);
    if (!net) return false;
    size_t met = count_met(arena, net, source, &wanted);
    if (met * 2 >= wanted) return true;
    eg_problem_add(
        problems, "source_arch", section->arch_place,
        "the checkpoint is not of '%s': only %zu of its %zu parameters have a tensor of their shape in the "
        "file",
        section->arch, met, wanted);
    return true;
}
