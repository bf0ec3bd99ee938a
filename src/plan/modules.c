#include "plan/modules.h"

#include <string.h>

#include "base/regex.h"
#include "base/str.h"

/* The position after the next dot, or NULL. */
static const char *next_segment(const char *name)
{
    const char *dot = strchr(name, '.');
    return dot ? dot + 1 : NULL;
}

static bool is_free(const eg_trial *now, size_t i)
{
    return now->map->names[i] && eg_trial_target(now, i) < 0;
}

/* Suffix -> the only source that ends so, or the count of sources (ambiguous). */
static eg_map *index_suffixes(const eg_trial *now)
{
    eg_map *suffixes = eg_map_new(now->draft->arena);
    for (size_t i = 0; i < now->map->count; i++)
        for (const char *at = is_free(now, i) ? now->map->names[i] : NULL; at; at = next_segment(at))
            if (!eg_map_add(suffixes, at, (int64_t)i)) eg_map_set(suffixes, at, (int64_t)now->map->count);
    return suffixes;
}

/* "from\nto" of a source and a target that share a suffix. */
static const char *pair_text(eg_arena *arena, const char *name, const char *target, const char *suffix)
{
    size_t n = strlen(name) - strlen(suffix), m = strlen(target) - strlen(suffix);
    return eg_arena_printf(arena, "%.*s\n%.*s", (int)n, name, (int)m, target);
}

/* The renaming that brings a source to this target, NULL: none. */
static const char *find_pair(const eg_trial *now, const eg_map *suffixes, int32_t p)
{
    const eg_draft *d = now->draft;
    const char *target = d->net->params[p].name;
    for (const char *at = target; at; at = next_segment(at)) {
        int64_t i = eg_map_find(suffixes, at);
        if (i < 0) continue;
        if (i == (int64_t)now->map->count || !eg_trial_fits(now, (size_t)i, p)) return NULL;
        return pair_text(d->arena, now->map->names[i], target, at);
    }
    return NULL;
}

static const char *rename_lines(eg_arena *arena, const char *from, const char *to)
{
    eg_buf out = {0};
    eg_buf_puts(&out, "- rename: {match: '");
    eg_regex_escape(from, &out);
    eg_buf_printf(&out, "(.*)', to: '%s\\1'}", to);
    return eg_buf_take(&out, arena);
}

void eg_modules_propose(const eg_trial *now, eg_remedies *out)
{
    const eg_draft *d = now->draft;
    eg_map *sources = eg_map_new(d->arena), *tally = eg_map_new(d->arena), *suffixes = index_suffixes(now);
    const char *best = NULL;
    int64_t best_count = 0;
    for (size_t i = 0; i < now->map->count; i++)
        if (now->map->names[i]) eg_map_add(sources, now->map->names[i], 0);
    for (int32_t p = 0; p < d->net->param_count; p++) {
        if (!eg_trial_wants(d, p) || eg_map_find(sources, d->net->params[p].name) >= 0) continue;
        const char *pair = find_pair(now, suffixes, p);
        if (!pair || pair[0] == '\n') continue; /* a prefix alone: add_prefix says that */
        int64_t count = eg_map_find(tally, pair);
        eg_map_set(tally, pair, count = count < 0 ? 1 : count + 1);
        if (count <= best_count) continue;
        best_count = count;
        best = pair;
    }
    if (best_count < 2) return; /* one tensor could be chance */
    const char *to = strchr(best, '\n') + 1;
    const char *from = eg_arena_substring(d->arena, best, (size_t)(to - best) - 1);
    eg_remedy_add(out, rename_lines(d->arena, from, to),
                  eg_arena_printf(d->arena, "what is '%s' in the source is '%s' in the target", from, to));
}

/* ---- leaves ---- */

static const struct {
    const char *foreign, *own;
} leaves[] = {
    {"gamma", "weight"},
    {"beta", "bias"},
    {"moving_mean", "running_mean"},
    {"moving_variance", "running_var"},
    {"moving_var", "running_var"},
    {"kernel", "weight"},
    {"scale", "weight"},
    {"embedding", "weight"},
};

enum { LEAVES = sizeof leaves / sizeof *leaves };

/* How many names would be targets with their last segment exchanged. */
static size_t leaf_hits(const eg_trial *now, size_t leaf)
{
    const char *ending = eg_arena_printf(now->draft->arena, ".%s", leaves[leaf].foreign);
    size_t hits = 0;
    for (size_t i = 0; i < now->map->count; i++) {
        const char *name = now->map->names[i];
        if (!is_free(now, i) || !eg_ends_with(name, ending)) continue;
        int stem = (int)(strlen(name) - strlen(ending));
        const char *other = eg_arena_printf(now->draft->arena, "%.*s.%s", stem, name, leaves[leaf].own);
        hits += eg_map_find(now->draft->targets, other) >= 0;
    }
    return hits;
}

void eg_leaves_propose(const eg_trial *now, eg_remedies *out)
{
    eg_buf lines = {0}, cause = {0};
    eg_buf_puts(&lines, "- replace:");
    for (size_t leaf = 0; leaf < LEAVES; leaf++) {
        if (!leaf_hits(now, leaf)) continue;
        eg_buf_printf(&lines, "\n    - {pattern: '\\.%s$', with: .%s}", leaves[leaf].foreign,
                      leaves[leaf].own);
        eg_buf_printf(&cause, "%s'%s' is called '%s'", cause.length ? ", " : "the source's ",
                      leaves[leaf].own, leaves[leaf].foreign);
    }
    if (cause.length)
        eg_remedy_add(out, eg_arena_string(now->draft->arena, lines.data),
                      eg_arena_string(now->draft->arena, cause.data));
    eg_buf_clear(&lines);
    eg_buf_clear(&cause);
}
