#include "run/applied_health.h"

#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"

enum { STRETCH = 4096 }; /* elements looked at together */

static const uint64_t NONE = UINT64_MAX;

/* One tensor. The first odd element is the lowest that any piece has: it does not depend on who came first.
 */
struct eg_seen {
    const char *name;
    bool looked_at, variance;
    uint64_t odd; /* number of the first element that is not finite, or below 0 in a variance */
    float odd_value;
    atomic_flag changing_odd;
    _Atomic uint64_t value; /* the bits of the first element seen, and 1 << 32 to say that there is one */
    atomic_bool varied;
};

eg_applied_health eg_applied_health_begin(eg_arena *arena, const eg_plan *plan)
{
    eg_applied_health health = {plan, EG_NEW_ARRAY(arena, struct eg_seen, plan->step_count)};
    for (size_t i = 0; i < plan->step_count; i++) {
        const eg_param *param = &plan->net->params[plan->steps[i].param];
        struct eg_seen *seen = &health.seen[i];
        seen->name = param->name;
        seen->looked_at = plan->steps[i].value && param->dtype == EG_F32;
        seen->variance = eg_ends_with(param->name, "running_var");
        seen->odd = NONE;
    }
    return health;
}

/* ---- a stretch ---- */

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_at(const uint8_t *elements, size_t i)
{
    uint32_t bits;
    memcpy(&bits, elements + i * sizeof bits, sizeof bits);
    return bits;
}

static bool is_odd(float value, bool variance)
{
    return !isfinite(value) || (variance && value < 0);
}

/* True when the stretch may have an odd element. Adding 1 to the largest exponent carries into the sign bit:
 * three operations an element, in whole vectors. */
static bool may_be_odd(const uint8_t *elements, size_t count, bool variance)
{
    uint32_t odd = 0;
    for (size_t i = 0; i < count; i++) odd |= (bits_at(elements, i) & 0x7FFFFFFF) + 0x00800000;
    for (size_t i = 0; variance && i < count; i++) odd |= bits_at(elements, i);
    return odd >> 31;
}

static bool differs(const uint8_t *elements, size_t count, uint32_t same)
{
    uint32_t changes = 0;
    for (size_t i = 0; i < count; i++) changes |= bits_at(elements, i) ^ same;
    return changes != 0;
}

/* Lowers the number of the first odd element; seldom called. */
static void find_odd(struct eg_seen *seen, uint64_t first, const uint8_t *elements, size_t count)
{
    size_t i = 0;
    while (i < count && !is_odd(from_bits(bits_at(elements, i)), seen->variance)) i++;
    if (i == count) return;
    while (atomic_flag_test_and_set(&seen->changing_odd)) continue;
    if (first + i < seen->odd) {
        seen->odd = first + i;
        seen->odd_value = from_bits(bits_at(elements, i));
    }
    atomic_flag_clear(&seen->changing_odd);
}

void eg_applied_health_see(eg_applied_health *health, size_t step, uint64_t first, const void *elements,
                           uint64_t count)
{
    struct eg_seen *seen = &health->seen[step];
    const uint8_t *bytes = elements;
    if (!seen->looked_at || count == 0) return;
    uint64_t value = 0;
    if (atomic_compare_exchange_strong(&seen->value, &value, bits_at(bytes, 0) | (uint64_t)1 << 32))
        value = bits_at(bytes, 0);
    bool varied = atomic_load(&seen->varied);
    for (uint64_t at = 0; at < count; at += STRETCH, bytes += STRETCH * sizeof(float)) {
        size_t n = count - at < STRETCH ? (size_t)(count - at) : STRETCH;
        if (may_be_odd(bytes, n, seen->variance)) find_odd(seen, first + at, bytes, n);
        varied = varied || differs(bytes, n, (uint32_t)value);
    }
    if (varied) atomic_store(&seen->varied, true);
}

/* ---- all ---- */

static bool refuse(const eg_step *step, const struct eg_seen *seen, eg_error *err)
{
    const char *name = step->source->name;
    if (isfinite(seen->odd_value))
        return eg_fail(err, EG_MALFORMED, "tensor '%s' is a variance, and its element %" PRIu64 " is %g",
                       name, seen->odd, (double)seen->odd_value);
    return eg_fail(err, EG_MALFORMED,
                   "tensor '%s' (element %" PRIu64
                   " of '%s') is %s; `engraft inspect --stats` shows all of them",
                   name, seen->odd, seen->name, isnan(seen->odd_value) ? "NaN" : "infinite");
}

static bool is_constant(const struct eg_seen *seen, eg_shape shape)
{
    uint64_t count = 0;
    return atomic_load(&seen->value) && !atomic_load(&seen->varied) && shape.rank > 1 &&
           eg_shape_numel(shape, &count) && count > 1;
}

bool eg_applied_health_finish(const eg_applied_health *health, eg_error *err)
{
    const eg_plan *plan = health->plan;
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct eg_seen *seen = &health->seen[i];
        if (seen->odd != NONE) return refuse(&plan->steps[i], seen, err);
        if (is_constant(seen, plan->net->params[plan->steps[i].param].shape))
            eg_log("warning    every element of '%s' is %g", plan->steps[i].source->name,
                   (double)from_bits((uint32_t)atomic_load(&seen->value)));
    }
    return true;
}

bool eg_applied_health_check(const eg_plan *plan, const eg_weights *weights, eg_error *err)
{
    eg_arena arena = {0};
    eg_applied_health health = eg_applied_health_begin(&arena, plan);
    for (size_t i = 0; i < plan->step_count; i++) {
        uint64_t count = 0;
        int32_t param = plan->steps[i].param;
        if (eg_shape_numel(plan->net->params[param].shape, &count))
            eg_applied_health_see(&health, i, 0, weights->data[param], count);
    }
    bool ok = eg_applied_health_finish(&health, err);
    eg_arena_clear(&arena);
    return ok;
}
