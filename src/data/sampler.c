#include "data/sampler.h"

#include <string.h>

#include "base/rng.h"
#include "data/pipeline.h"

static void sort_by_class(eg_order *order)
{
    const eg_dataset *set = order->dataset;
    size_t at = 0;
    for (size_t c = 0; c < set->class_count; c++) {
        order->begins[c] = (int64_t)at;
        for (size_t i = 0; i < set->count; i++)
            if (set->samples[i].label == (int32_t)c) order->by_class[at++] = (int64_t)i;
    }
    order->begins[set->class_count] = (int64_t)at;
}

void eg_order_init(eg_order *order, eg_arena *arena, const eg_dataset *dataset, eg_sampler sampler)
{
    *order = (eg_order){.sampler = sampler, .dataset = dataset};
    order->samples = EG_NEW_ARRAY(arena, int64_t, dataset->count);
    if (sampler != EG_SAMPLER_CLASS_BALANCED) return;
    order->by_class = EG_NEW_ARRAY(arena, int64_t, dataset->count);
    order->begins = EG_NEW_ARRAY(arena, int64_t, dataset->class_count + 1);
    order->picks = EG_NEW_ARRAY(arena, int64_t, dataset->count);
    order->places = EG_NEW_ARRAY(arena, int64_t, dataset->count);
    sort_by_class(order);
}

/* The turns of one class, the places first, first + step, … of the epoch, in rounds through its samples. The
 * streams of shuffles are keyed by (epoch, 0) for the whole and (epoch, 1 + class + classes * round) here. */
static void deal(eg_order *order, uint64_t seed, uint64_t epoch, size_t class, int64_t first, int64_t step)
{
    int64_t begin = order->begins[class], count = order->begins[class + 1] - begin;
    int64_t total = (int64_t)order->dataset->count, classes = (int64_t)order->dataset->class_count, turn = 0;
    for (int64_t at = first; at < total; at += step, turn++) {
        int64_t round = turn / count, i = turn % count;
        if (i == 0)
            eg_shuffle_keyed(seed, epoch, 1 + (uint64_t)((int64_t) class + classes * round), count,
                             order->picks);
        order->samples[order->places[at]] = order->by_class[begin + order->picks[i]] + round * total;
    }
}

void eg_order_draw(eg_order *order, uint64_t seed, uint64_t epoch)
{
    const eg_dataset *set = order->dataset;
    int64_t total = (int64_t)set->count, present = 0, first = 0;
    if (order->sampler == EG_SAMPLER_SHUFFLE) {
        eg_shuffle(seed, epoch, total, order->samples);
        return;
    }
    eg_shuffle(seed, epoch, total, order->places);
    for (size_t c = 0; c < set->class_count; c++) present += order->begins[c + 1] > order->begins[c];
    for (size_t c = 0; c < set->class_count; c++)
        if (order->begins[c + 1] > order->begins[c]) deal(order, seed, epoch, c, first++, present);
}
