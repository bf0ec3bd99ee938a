/* engraft schema: JSON Schema of the recipe, for editors. */
#include "engraft/run.h"
#include "recipe/describe.h"

bool eg_run_schema(eg_error *err)
{
    eg_json *json = eg_recipe_json_schema();
    bool ok = eg_json_print(json, stdout, err);
    eg_json_free(json);
    return ok;
}
