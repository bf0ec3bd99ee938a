#include "plan/diagnose.h"

#include <ctype.h>
#include <string.h>

#include "base/map.h"
#include "base/regex.h"
#include "base/str.h"

/* ---- names ---- */

/* What a pattern says when its escapes and trailing wildcards are taken away. */
static const char *plain_words(eg_arena *arena, const char *pattern)
{
    eg_buf out = {0};
    eg_buf_puts(&out, "");
    for (; *pattern; pattern++)
        if (*pattern != '\\' && *pattern != '^' && *pattern != '$') eg_buf_add(&out, pattern, 1);
    while (out.length && strchr(".*+?", out.data[out.length - 1])) out.length--;
    return eg_buf_take(&out, arena);
}

/* The names and the module paths above them, each once, in order; at most `limit`. */
static size_t list_paths(eg_arena *arena, const char *const *names, size_t count, const char **paths,
                         size_t limit)
{
    eg_map *seen = eg_map_new(arena);
    size_t found = 0;
    for (size_t i = 0; i < count && found < limit; i++) {
        for (const char *dot = names[i]; dot && found < limit; dot = *dot ? dot : NULL) {
            dot += *dot == '.';
            dot += strcspn(dot, ".");
            const char *path = eg_arena_substring(arena, names[i], (size_t)(dot - names[i]));
            if (eg_map_add(seen, path, 0)) paths[found++] = path;
        }
    }
    return found;
}

const char *eg_near_name(eg_arena *arena, const char *pattern, const char *const *names, size_t count)
{
    enum { LIMIT = 2000, TOO_SHORT = 1 };
    const char **paths = EG_NEW_ARRAY(arena, const char *, LIMIT);
    const char *words = plain_words(arena, pattern);
    return strlen(words) > TOO_SHORT ? eg_nearest(words, paths, list_paths(arena, names, count, paths, LIMIT))
                                     : NULL;
}

const char *eg_name_list(eg_arena *arena, const char *const *names, size_t count)
{
    enum { SHOWN = 4 };
    eg_buf out = {0};
    size_t shown = count <= SHOWN + 1 ? count : SHOWN;
    eg_buf_puts(&out, "");
    for (size_t i = 0; i < shown; i++) eg_buf_printf(&out, "%s%s", i ? ", " : "", names[i]);
    if (shown < count) eg_buf_printf(&out, " and %zu more", count - shown);
    return eg_buf_take(&out, arena);
}

const char *eg_module_patterns(eg_arena *arena, const char *const *names, size_t count)
{
    enum { MODULES = 4 };
    eg_map *seen = eg_map_new(arena);
    eg_buf out = {0};
    for (size_t i = 0; i < count && eg_map_count(seen) <= MODULES; i++) {
        const char *dot = strrchr(names[i], '.');
        const char *module = dot ? eg_arena_substring(arena, names[i], (size_t)(dot - names[i])) : names[i];
        if (!eg_map_add(seen, module, 0)) continue;
        eg_buf_puts(&out, out.length ? ", '" : "['");
        eg_regex_escape(module, &out);
        eg_buf_puts(&out, dot ? "\\..*'" : "'");
    }
    eg_buf_puts(&out, "]");
    const char *text = eg_buf_take(&out, arena);
    return count && eg_map_count(seen) <= MODULES ? text : NULL;
}

/* ---- prefixes ---- */

enum { PREFIX_DEPTH = 4, PREFIXES = 12 };

typedef struct prefix {
    const char *text; /* ends in '.'; "" for none */
    size_t count;     /* names that have it */
} prefix;

/* The prefixes that many names share, in order of appearance; the first is the empty one. */
static size_t common_prefixes(eg_arena *arena, const char *const *names, size_t count, prefix *out)
{
    eg_map *seen = eg_map_new(arena);
    size_t found = 0, room = 1024;
    prefix *all = EG_NEW_ARRAY(arena, prefix, room);
    size_t live = 0;
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
            } else if (found < room) {
                eg_map_add(seen, text, (int64_t)found);
                all[found++] = (prefix){text, 1};
            }
        }
    }
    size_t kept = 0;
    out[kept++] = (prefix){"", live};
    for (size_t i = 0; i < found && kept < PREFIXES; i++)
        if (all[i].count * 2 > live) out[kept++] = all[i];
    return kept;
}

/* How many sources meet a target of their shape when `strip` goes and `add` comes (to all names, or to those
 * alone that had `strip`). */
static size_t score_prefixes(const eg_net *net, const eg_map *targets, const eg_store *source,
                             const char *const *names, const char *strip, const char *add, bool all)
{
    size_t score = 0;
    eg_buf name = {0};
    for (size_t i = 0; i < source->count; i++) {
        if (!names[i]) continue;
        bool has = eg_starts_with(names[i], strip);
        name.length = 0;
        eg_buf_puts(&name, has || all ? add : "");
        eg_buf_puts(&name, names[i] + (has ? strlen(strip) : 0));
        int64_t target = eg_map_find(targets, name.data);
        score += target >= 0 && eg_shape_equal(net->params[target].shape, source->entries[i].shape);
    }
    eg_buf_clear(&name);
    return score;
}

/* "module.module." is the prefix "module." twice, and strip_prefix repeats. */
static const char *repeated_part(eg_arena *arena, const char *text)
{
    size_t part = strcspn(text, ".") + 1, length = strlen(text);
    for (size_t at = 0; at < length; at += part)
        if (strncmp(text + at, text, part) != 0) return text;
    return eg_arena_substring(arena, text, part);
}

static eg_proposal describe_prefixes(eg_arena *arena, const prefix *strip, const prefix *add, size_t live,
                                     size_t score)
{
    eg_proposal proposal = {.score = score};
    eg_buf lines = {0}, cause = {0};
    if (strip->text[0]) {
        eg_buf_printf(&lines, "- strip_prefix: %s", repeated_part(arena, strip->text));
        if (strip->count < live) eg_buf_puts(&lines, "\n  any: true");
        eg_buf_printf(&cause, "the source's names start with '%s'", strip->text);
    }
    if (add->text[0]) {
        eg_buf_printf(&lines, "%s- add_prefix: %s", lines.length ? "\n" : "", add->text);
        eg_buf_printf(&cause, "%sthe target's names start with '%s'", cause.length ? " and " : "", add->text);
    }
    proposal.lines = eg_buf_take(&lines, arena);
    proposal.cause = eg_buf_take(&cause, arena);
    return proposal;
}

/* ---- renamed modules ---- */

/* The position after the next dot, or NULL. */
static const char *next_segment(const char *name)
{
    const char *dot = strchr(name, '.');
    return dot ? dot + 1 : NULL;
}

/* Suffix -> the only source that ends so, or the count of sources (ambiguous). */
static eg_map *index_suffixes(eg_arena *arena, const eg_store *source, const char *const *names,
                              const eg_map *targets)
{
    eg_map *suffixes = eg_map_new(arena);
    for (size_t i = 0; i < source->count; i++) {
        if (!names[i] || eg_map_find(targets, names[i]) >= 0) continue;
        for (const char *at = names[i]; at; at = next_segment(at))
            if (!eg_map_add(suffixes, at, (int64_t)i)) eg_map_set(suffixes, at, (int64_t)source->count);
    }
    return suffixes;
}

/* "from -> to" of a source and a target that share a suffix. */
static const char *pair_text(eg_arena *arena, const char *name, const char *target, const char *suffix)
{
    size_t n = strlen(name) - strlen(suffix), m = strlen(target) - strlen(suffix);
    return eg_arena_printf(arena, "%.*s\n%.*s", (int)n, name, (int)m, target);
}

static const char *rename_lines(eg_arena *arena, const char *from, const char *to)
{
    eg_buf out = {0};
    eg_buf_puts(&out, "- rename: {match: '");
    eg_regex_escape(from, &out);
    eg_buf_printf(&out, "(.*)', to: '%s\\1'}", to);
    return eg_buf_take(&out, arena);
}

/* Target tensors without a source, met with the longest dotted suffix: the module renaming that explains most
 * of them. */
static eg_proposal propose_rename(eg_arena *arena, const eg_net *net, const eg_store *source,
                                  const char *const *names, const eg_map *targets)
{
    eg_map *sources = eg_map_new(arena), *tally = eg_map_new(arena);
    eg_map *suffixes = index_suffixes(arena, source, names, targets);
    const char *best = NULL;
    int64_t best_count = 1;
    for (size_t i = 0; i < source->count; i++)
        if (names[i]) eg_map_add(sources, names[i], 0);
    for (int32_t p = 0; p < net->param_count; p++) {
        const char *target = net->params[p].name;
        if (eg_map_find(sources, target) >= 0) continue;
        for (const char *at = target; at; at = next_segment(at)) {
            int64_t i = eg_map_find(suffixes, at);
            if (i < 0) continue;
            if (i == (int64_t)source->count) break;
            if (!eg_shape_equal(source->entries[i].shape, net->params[p].shape)) break;
            const char *pair = pair_text(arena, names[i], target, at);
            int64_t count = eg_map_find(tally, pair);
            count = count < 0 ? 1 : count + 1;
            eg_map_set(tally, pair, count);
            if (count > best_count) {
                best_count = count;
                best = pair;
            }
            break;
        }
    }
    if (!best) return (eg_proposal){0};
    const char *to = strchr(best, '\n') + 1;
    const char *from = eg_arena_substring(arena, best, (size_t)(to - best) - 1);
    if (!from[0]) return (eg_proposal){0};
    return (eg_proposal){rename_lines(arena, from, to),
                         eg_arena_printf(arena, "what is '%s' in the source is '%s' in the target", from, to),
                         score_prefixes(net, targets, source, names, from, to, false)};
}

eg_proposal eg_propose(eg_arena *arena, const eg_net *net, const eg_store *source, const char *const *names)
{
    prefix strips[PREFIXES], adds[PREFIXES];
    const char **params = EG_NEW_ARRAY(arena, const char *, (size_t)net->param_count);
    eg_map *targets = eg_map_new(arena);
    for (int32_t p = 0; p < net->param_count; p++) {
        params[p] = net->params[p].name;
        eg_map_add(targets, params[p], p);
    }
    size_t strip_count = common_prefixes(arena, names, source->count, strips);
    size_t add_count = common_prefixes(arena, params, (size_t)net->param_count, adds);
    size_t met = score_prefixes(net, targets, source, names, "", "", true);
    eg_proposal best = {.score = met};
    for (size_t s = 0; s < strip_count; s++) {
        for (size_t a = 0; a < add_count; a++) {
            if (s + a == 0) continue;
            size_t score = score_prefixes(net, targets, source, names, strips[s].text, adds[a].text, true);
            if (score > best.score)
                best = describe_prefixes(arena, &strips[s], &adds[a], strips[0].count, score);
        }
    }
    eg_proposal renamed = propose_rename(arena, net, source, names, targets);
    return renamed.lines && renamed.score > best.score ? renamed : best;
}
