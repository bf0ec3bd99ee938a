#include "run/phase_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "data/pipeline.h"

/* "0.01", or one a group: "head 0.01, top 0.001". */
static const char *rates_text(eg_arena *arena, const eg_groups *groups)
{
    eg_buf out = {0};
    bool same = true;
    for (size_t g = 1; g < groups->count; g++) same = same && groups->lr[g] == groups->lr[0];
    if (same) return eg_arena_printf(arena, "%g", groups->lr[0]);
    for (size_t g = 0; g < groups->count; g++)
        eg_buf_printf(&out, "%s%s %g", g ? ", " : "", groups->names[g], groups->lr[g]);
    return eg_buf_take(&out, arena);
}

static const char *operations_text(eg_arena *arena, double flops)
{
    return eg_arena_printf(arena, flops >= 1e9 ? "%.3g G" : "%.3g M",
                           flops >= 1e9 ? flops / 1e9 : flops / 1e6);
}

static eg_row phase_row(eg_arena *arena, const eg_phase *phase, const eg_phase_cost *cost)
{
    const char *trains =
        eg_arena_printf(arena, "%zu of %zu tensors, %s", phase->tensors,
                        phase->tensors + phase->frozen_tensors, eg_count_text(arena, phase->elements));
    return (eg_row){{phase->name, eg_arena_printf(arena, "%" PRId64, phase->epochs), trains,
                     rates_text(arena, phase->groups), cost->stop,
                     eg_size_text(arena, eg_phase_cost_bytes(cost)),
                     eg_arena_printf(arena, "%s / %s", operations_text(arena, cost->forward),
                                     operations_text(arena, cost->backward)),
                     NULL}};
}

const eg_row *eg_phase_table(eg_arena *arena, const eg_phases *phases, const eg_phase_cost *costs,
                             size_t *count)
{
    eg_row *rows = EG_NEW_ARRAY(arena, eg_row, phases->count + 1);
    rows[0] =
        (eg_row){{"phase", "epochs", "trains", "lr", "backward down to", "memory", "FLOP a sample", NULL}};
    for (size_t i = 0; i < phases->count; i++) rows[i + 1] = phase_row(arena, &phases->items[i], &costs[i]);
    *count = phases->count + 1;
    return rows;
}

const char *eg_phase_features_reason(const eg_recipe *recipe, const eg_phase_cost *cost)
{
    bool draws = eg_transforms_draw(recipe->data.augment) && recipe->data.augment_pool == 0;
    return recipe->train.cache == EG_CACHE_OFF ? "train.cache is off"
           : draws                             ? "data.augment draws anew in every epoch"
           : cost->repeats <= 0                ? cost->next
                                               : NULL;
}

static void print_features(const eg_recipe *recipe, const eg_phase *phase, const eg_phase_cost *cost)
{
    const char *reason = eg_phase_features_reason(recipe, cost);
    if (cost->repeats <= 0) return;
    printf("features of %s: %" PRId64
           " numbers a sample stand for %.1f %% of the forward pass, then %s%s%s\n",
           phase->name, cost->features, 100 * cost->repeats / cost->forward, cost->next,
           reason ? "; not kept: " : "", reason ? reason : "");
}

void eg_phase_table_print(const eg_recipe *recipe, const eg_phases *phases, const eg_phase_cost *costs)
{
    static const bool right[EG_TABLE_COLUMNS] = {false, true, false, false, false, true, false};
    eg_arena arena = {0};
    size_t count;
    const eg_row *rows = eg_phase_table(&arena, phases, costs, &count);
    printf("\nphases  batch %" PRId64 "; memory on one thread; FLOP forward / backward\n", costs[0].batch);
    eg_table_print(rows, count, right);
    for (size_t i = 0; i < phases->count; i++) print_features(recipe, &phases->items[i], &costs[i]);
    eg_arena_clear(&arena);
}
