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
