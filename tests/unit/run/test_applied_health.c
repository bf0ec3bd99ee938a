/* What was loaded is looked at: NaN, infinity and negative variances are refused. */
#include <math.h>

#include "../plan/helper.h"
#include "net/weights.h"
#include "run/applied_health.h"

/* Applies a plan whose source has one odd value. */
static void check(const char *name, float value, const char *words)
{
    planned p;
    eg_weights weights;
    begin(&p, "");
    ((float *)p.entries[source_at(&p, name)].storage->bytes)[1] = value;
    const eg_plan *plan = accepts(&p, "");
    assert_true(eg_weights_init(&weights, &p.arena, p.net, &p.err));
    assert_true(eg_plan_apply(plan, 1, &weights, &p.err));
    assert_int_equal(eg_applied_health_check(plan, &weights, &p.err), words == NULL);
    assert_int_equal(p.err.code, words ? EG_MALFORMED : EG_OK);
    if (words) assert_non_null(strstr(p.err.text, words));
    eg_weights_clear(&weights);
    done(&p);
}

static void sound_values_pass(void **state)
{
    (void)state;
    check("fc.bias", -3, NULL);
    check("bn1.running_mean", -3, NULL);
}

static void odd_values_are_refused(void **state)
{
    (void)state;
    check("fc.weight", NAN, "tensor 'fc.weight' (element 1 of 'fc.weight') is NaN");
    check("fc.bias", INFINITY, "is infinite");
    check("bn1.running_var", -0.5f, "tensor 'bn1.running_var' is a variance, and its element 1 is -0.5");
}

/* Pieces come in any order: the first odd element is named, whichever was seen first. */
static void the_first_odd_element_is_named(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    const eg_plan *plan = accepts(&p, "");
    size_t step = 0;
    while (strcmp(p.net->params[plan->steps[step].param].name, "fc.weight") != 0) step++;
    const float values[] = {1, NAN, 2, 3, INFINITY, 4};
    eg_applied_health health = eg_applied_health_begin(&p.arena, plan);
    eg_applied_health_see(&health, step, 3, values + 3, 3);
    eg_applied_health_see(&health, step, 0, values, 3);
    assert_false(eg_applied_health_finish(&health, &p.err));
    assert_non_null(strstr(p.err.text, "tensor 'fc.weight' (element 1 of 'fc.weight') is NaN"));
    done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_values_pass),
        cmocka_unit_test(odd_values_are_refused),
        cmocka_unit_test(the_first_odd_element_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
