/* Any bytes as a recipe: read, checked, and, when they are one, written out and read again. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engraft/recipe.h"
#include "recipe/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const eg_recipe *check(eg_arena *arena, const char *text, size_t size)
{
    eg_problems problems = {.arena = arena};
    eg_error err = {0};
    const eg_doc *doc = eg_doc_parse(arena, "fuzz.yaml", text, size, &err);
    const eg_recipe *recipe = doc ? eg_recipe_check(arena, "fuzz.yaml", doc, NULL, 0, &problems, &err) : NULL;
    assert((recipe == NULL) == (err.code != EG_OK));
    return recipe;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    eg_arena arena = {0};
    const eg_recipe *recipe = check(&arena, (const char *)bytes, size);
    if (recipe) {
        const char *text = eg_recipe_text(&arena, recipe);
        const eg_recipe *again = check(&arena, text, strlen(text));
        assert(again);
        (void)again;
    }
    eg_arena_clear(&arena);
    return 0;
}
