#include "plan/prefixes.h"

#include <string.h>

#include "base/str.h"

enum { PREFIX_DEPTH = 4, PREFIXES = 12, LEAST_SHARE = 10 };

typedef struct prefix {
    const char *text; /* ends in '.'; "" for none */
    size_t count;     /* names that have it */
} prefix;

/* The most frequent first; stable. */
static void sort_prefixes(prefix *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        prefix one = list[i];
        size_t at = i;
        for (; at > 0 && list[at - 1].count < one.count; at--) list[at] = list[at - 1];
        list[at] = one;
    }
}

/* The prefixes that a good part of the names share, the empty one first, then by their number. */
static size_t common_prefixes(eg_arena *arena, const char *const *names, size_t count, prefix *out)
{
    enum { ROOM = 1024 };
    eg_map *seen = eg_map_new(arena);
    prefix *all = EG_NEW_ARRAY(arena, prefix, ROOM);
    size_t live = 0, found = 0, kept = 0;
    for (size_t i = 0; i < count; i++) {
        const char *at = names[i];
        live += at != NULL;
        for (int depth = 0; at && depth < PREFIX_DEPTH; depth++) {
            const char *dot = strchr(at, '.');
            if (!dot) break;
            at = dot + 1;
            const char *text = eg_arena_substring(arena, names[i], (size_t)(at - names[i]));
            int64_t position = eg_map_find(seen, text);
            if (position >= 0) {
                all[position].count++;
            } else if (found < ROOM) {
                eg_map_add(seen, text, (int64_t)found);
                all[found++] = (prefix){text, 1};
            }
        }
    }
    sort_prefixes(all, found);
    out[kept++] = (prefix){"", live};
    for (size_t i = 0; i < found && kept < PREFIXES; i++)
        if (all[i].count * LEAST_SHARE >= live) out[kept++] = all[i];
    return kept;
}

/* "module.module." is the prefix "module." twice, and strip_prefix repeats. */
static const char *repeated_part(eg_arena *arena, const char *text)
{
    size_t part = strcspn(text, ".") + 1, length = strlen(text);
    for (size_t at = 0; at < length; at += part)
        if (strncmp(text + at, text, part) != 0) return text;
    return eg_arena_substring(arena, text, part);
}

/* Without the prefix as often as it stands there. */
static const char *without(const char *name, const char *strip)
{
    size_t length = strlen(strip);
    while (length && strncmp(name, strip, length) == 0) name += length;
    return name;
}

/* How many sources meet a target of their shape when `strip` goes and `add` comes. */
static size_t score(const eg_trial *now, const char *strip, const char *add)
{
    size_t met = 0;
    eg_buf name = {0};
    const eg_draft *d = now->draft;
    for (size_t i = 0; i < now->map->count; i++) {
        if (!now->map->names[i]) continue;
        name.length = 0;
        eg_buf_puts(&name, add);
        eg_buf_puts(&name, without(now->map->names[i], strip));
        int64_t target = eg_map_find(d->targets, name.data);
        met += target >= 0 && eg_trial_wants(d, target) && eg_trial_fits(now, i, target);
    }
    eg_buf_clear(&name);
    return met;
}

/* What stands before the first name that has the prefix, as often as it stands there: "module.module.". */
static const char *whole_prefix(const eg_trial *now, const char *strip)
{
    for (size_t i = 0; i < now->map->count; i++) {
        const char *name = now->map->names[i];
        if (name && eg_starts_with(name, strip))
            return eg_arena_substring(now->draft->arena, name, (size_t)(without(name, strip) - name));
    }
    return strip;
}

static void describe(const eg_trial *now, const prefix *strip, const prefix *add, size_t live,
                     eg_remedies *out)
{
    eg_arena *arena = now->draft->arena;
    bool some = strip->count < live;
    const char *part = strip->text[0] ? repeated_part(arena, strip->text) : "";
    const char *added = add->text[0] ? eg_arena_printf(arena, "- add_prefix: %s", add->text) : "";
    const char *join = part[0] && added[0] ? "\n" : "", *cause;
    if (part[0])
        cause = eg_arena_printf(arena, "the source's names start with '%s'%s%s%s", whole_prefix(now, part),
                                added[0] ? " and the target's with '" : "", add->text, added[0] ? "'" : "");
    else
        cause = eg_arena_printf(arena, "the target's names start with '%s'", add->text);
    if (!part[0])
        eg_remedy_add(out, added, cause);
    else
        eg_remedy_add(out,
                      eg_arena_printf(arena, "- strip_prefix: %s%s%s%s", part, some ? "\n  any: true" : "",
                                      join, added),
                      cause);
    if (!part[0] || !some) return;
    eg_remedy_add(
        out,
        eg_arena_printf(arena, "- select: [{glob: '%s**'}]\n- strip_prefix: %s%s%s", part, part, join, added),
        cause);
}

void eg_prefixes_propose(const eg_trial *now, eg_remedies *out)
{
    prefix strips[PREFIXES], adds[PREFIXES], *strip = NULL, *add = NULL;
    eg_draft *d = now->draft;
    size_t best = now->met, targets = (size_t)d->net->param_count;
    const char **params = EG_NEW_ARRAY(d->arena, const char *, targets);
    for (size_t p = 0; p < targets; p++) params[p] = d->net->params[p].name;
    size_t strip_count = common_prefixes(d->arena, now->map->names, now->map->count, strips);
    size_t add_count = common_prefixes(d->arena, params, targets, adds);
    for (size_t s = 0; s < strip_count; s++) {
        for (size_t a = 0; a < add_count; a++) {
            if (s + a == 0) continue;
            size_t met = score(now, strips[s].text, adds[a].text);
            if (met <= best) continue;
            best = met;
            strip = &strips[s];
            add = &adds[a];
        }
    }
    if (strip) describe(now, strip, add, strips[0].count, out);
}
