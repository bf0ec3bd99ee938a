#include "plan/twins.h"

#include <ctype.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"

/* One character of valid UTF-8; *length: its bytes. */
static uint32_t decode(const char *text, size_t *length)
{
    const uint8_t *b = (const uint8_t *)text;
    *length = b[0] < 0x80 ? 1 : b[0] < 0xE0 ? 2 : b[0] < 0xF0 ? 3 : 4;
    uint32_t code = *length == 1 ? b[0] : b[0] & (0x7FU >> *length);
    for (size_t i = 1; i < *length; i++) code = code << 6 | (b[i] & 0x3FU);
    return code;
}

static bool is_mark(uint32_t c)
{
    return c >= 0x300 && c <= 0x36F;
}

static bool is_hidden(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xAD || (c >= 0x200B && c <= 0x200F) ||
           (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x2064) || c == 0xFEFF;
}

/* The letter that carries the accent, for Latin-1 and Latin Extended-A; the character itself otherwise. */
static uint32_t base_letter(uint32_t c)
{
    static const char latin1[] =
        "AAAAAA\0CEEEEIIII\0NOOOOO\0\0UUUUY\0\0aaaaaa\0ceeeeiiii\0nooooo\0\0uuuuy\0y";
    static const char extended[] =
        "AaAaAaCcCcCcCcDd\0\0EeEeEeEeEeGgGgGgGgHh\0\0IiIiIiIiI\0\0\0JjKk\0LlLlLl\0\0\0\0"
        "NnNnNn\0\0\0OoOoOo\0\0RrRrRrSsSsSsSsTtTt\0\0UuUuUuUuUuUuWwYyYZzZzZz\0";
    char letter = c >= 0xC0 && c <= 0xFF     ? latin1[c - 0xC0]
                  : c >= 0x100 && c <= 0x17F ? extended[c - 0x100]
                                             : '\0';
    return letter ? (uint32_t)letter : c;
}

/* The name without accents. *composed, *combining: whether it had some, and of which kind. */
static const char *without_accents(eg_arena *arena, const char *name, bool *composed, bool *combining)
{
    eg_buf out = {0};
    size_t length;
    *composed = *combining = false;
    eg_buf_puts(&out, "");
    for (; *name; name += length) {
        uint32_t c = decode(name, &length), base = base_letter(c);
        char letter = (char)base;
        *composed |= base != c;
        *combining |= is_mark(c);
        if (base != c)
            eg_buf_add(&out, &letter, 1);
        else if (!is_mark(c))
            eg_buf_add(&out, name, length);
    }
    return eg_buf_take(&out, arena);
}

static const char *lower(eg_arena *arena, const char *name)
{
    char *text = eg_arena_string(arena, name);
    for (char *at = text; *at; at++) *at = (char)tolower((unsigned char)*at);
    return text;
}

static bool is_ascii(const char *name)
{
    while (*name && (unsigned char)*name < 0x80) name++;
    return !*name;
}

static bool is_hidden_in(const char *name)
{
    size_t length;
    for (; *name; name += length)
        if (is_hidden(decode(name, &length))) return true;
    return false;
}

typedef struct twins {
    eg_arena *arena;
    const eg_store *source;
    eg_place place;
    eg_problems *problems;
} twins;

/* eg_printable keeps what is valid; here every byte beyond ASCII is escaped, since that is where names
 * differ. */
static const char *escaped(eg_arena *arena, const char *name)
{
    eg_buf out = {0};
    eg_buf_puts(&out, "");
    for (; *name; name++) {
        unsigned char c = (unsigned char)*name;
        if (c < 0x20 || c >= 0x7F)
            eg_buf_printf(&out, "\\x%02x", c);
        else
            eg_buf_add(&out, name, 1);
    }
    return eg_buf_take(&out, arena);
}

static void warn_of_pair(twins *t, const char *code, const char *a, const char *b, const char *why)
{
    eg_problem_warn(t->problems, code, t->place, "'%s' and '%s' of the source differ only in %s",
                    escaped(t->arena, a), escaped(t->arena, b), why);
}

/* A warning when `among` has the key; the name joins `own`. */
static void look_up(twins *t, const eg_map *among, eg_map *own, const char *key, size_t i, const char *code,
                    const char *why)
{
    int64_t known = eg_map_find(among, key);
    if (known >= 0) warn_of_pair(t, code, t->source->entries[known].name, t->source->entries[i].name, why);
    eg_map_add(own, key, (int64_t)i);
}

void eg_twins_warn(eg_arena *arena, const eg_store *source, eg_place place, eg_problems *problems)
{
    twins t = {arena, source, place, problems};
    eg_map *cases = eg_map_new(arena), *composed = eg_map_new(arena), *combining = eg_map_new(arena);
    for (size_t i = 0; i < source->count; i++) {
        const char *name = source->entries[i].name;
        if (!eg_is_utf8(name, strlen(name))) {
            eg_problem_warn(problems, "not_utf8", place,
                            "the source's name '%s' is not UTF-8: no pattern matches it",
                            escaped(arena, name));
            continue;
        }
        if (is_hidden_in(name))
            eg_problem_warn(problems, "hidden_character", place,
                            "the source's name '%s' holds a character that is not seen",
                            escaped(arena, name));
        look_up(&t, cases, cases, lower(arena, name), i, "case_twin", "the case of letters");
        if (is_ascii(name)) continue;
        bool has_composed, has_combining;
        const char *plain = without_accents(arena, name, &has_composed, &has_combining);
        if (has_composed != has_combining)
            look_up(&t, has_composed ? combining : composed, has_composed ? composed : combining, plain, i,
                    "accent_twin", "how an accent is written (NFC and NFD)");
    }
}
