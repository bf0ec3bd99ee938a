#include "run/samples.h"

#include <inttypes.h>

#include "base/map.h"
#include "base/str.h"
#include "data/listing.h"

const char *eg_samples_classes(eg_arena *arena, const char *const *classes, size_t count)
{
    enum { SHOWN = 12 };
    eg_buf text = {0};
    for (size_t i = 0; i < count && i < SHOWN; i++) eg_buf_printf(&text, "%s%s", i ? ", " : "", classes[i]);
    if (count > SHOWN) eg_buf_puts(&text, ", …");
    return eg_buf_take(&text, arena);
}

bool eg_samples_check_net(eg_arena *arena, const eg_net *net, eg_place place, eg_error *err)
{
    const eg_value *input = &net->values[0], *output = &net->values[net->output];
    if (input->rank != 3 || (input->dims[2] != 1 && input->dims[2] != 3))
        return eg_fail_at(
            err, EG_RECIPE, place,
            "the network's input is %s (height, width, channels); expected an image of 1 or 3 channels",
            eg_value_text(arena, input));
    if (output->rank != 1)
        return eg_fail_at(err, EG_RECIPE, place,
                          "the network's output is %s; expected a vector, one number a class",
                          eg_value_text(arena, output));
    return true;
}

static bool check_classes(eg_arena *arena, const eg_dataset *set, const eg_net *net, eg_place place,
                          eg_error *err)
{
    int64_t outputs = net->values[net->output].dims[0];
    if (set->class_count == (size_t)outputs) return true;
    return eg_fail_at(err, EG_RECIPE, place,
                      "the data has %zu classes (%s), and the network has %" PRId64
                      " outputs; set target.num_classes: %zu",
                      set->class_count, eg_samples_classes(arena, set->classes, set->class_count), outputs,
                      set->class_count);
}

bool eg_samples_pipeline(eg_pipeline *pipeline, eg_arena *arena, eg_transform_list preprocess,
                         eg_transform_list augment, const eg_net *net, eg_error *err)
{
    const int64_t *size = net->values[0].dims;
    return eg_pipeline_build(pipeline, arena, preprocess, augment, (int)size[0], (int)size[1], (int)size[2],
                             err);
}

static const eg_dataset *open_set(eg_arena *arena, const eg_data_set *set, const char *const *classes,
                                  size_t class_count, const eg_net *net, eg_place place, eg_error *err)
{
    int channels = (int)net->values[0].dims[2];
    const eg_dataset *dataset =
        eg_dataset_open(arena, set, class_count ? classes : NULL, class_count, channels, err);
    return dataset && check_classes(arena, dataset, net, place, err) ? dataset : NULL;
}

/* The first sample all the way: finds what no list of files shows, such as images of another size than the
 * network's where no step resizes them. */
static bool try_first(eg_arena *arena, const eg_dataset *dataset, const eg_pipeline *pipeline, eg_error *err)
{
    eg_image image = {0};
    size_t pixels = (size_t)pipeline->height * (size_t)pipeline->width;
    float *out = EG_NEW_ARRAY(arena, float, pixels *(size_t)pipeline->channels);
    bool ok = eg_dataset_image(dataset, 0, &image, err) && eg_image_load(pipeline, &image, out, err);
    eg_image_clear(&image);
    return ok || eg_error_in(err, dataset->samples[0].file);
}

bool eg_samples_open_val(eg_samples *samples, eg_arena *arena, const eg_data_set *set,
                         const char *const *classes, size_t class_count, eg_transform_list preprocess,
                         const eg_net *net, eg_place place, eg_error *err)
{
    if (!eg_samples_check_net(arena, net, place, err)) return false;
    samples->val = open_set(arena, set, classes, class_count, net, place, err);
    return samples->val &&
           eg_samples_pipeline(&samples->val_pipeline, arena, preprocess, (eg_transform_list){0}, net, err) &&
           try_first(arena, samples->val, &samples->val_pipeline, err);
}

/* ---- groups ---- */

/* The validation set's group column is the training set's where it names none itself. */
static bool find_group(eg_arena *arena, const eg_data_section *data, eg_data_set *val, eg_error *err)
{
    const char *column = data->train.group_column;
    *val = data->val;
    if (!column || val->group_column) return true;
    if (eg_listing_has(arena, val, column)) {
        val->group_column = column;
        return true;
    }
    return eg_fail_at(
        err, EG_RECIPE, val->place,
        "data.train keeps the groups of '%s' on its side, and data.val does not say which group its "
        "samples are of; add the column, or leave 'group' out",
        column);
}

/* No group may be on both sides: what is validated would have been seen. */
static bool check_leak(eg_arena *arena, const eg_samples *samples, const eg_data_section *data, eg_error *err)
{
    const eg_dataset *train = samples->train, *val = samples->val;
    if (!train->groups || !val->groups) return true;
    eg_map *seen = eg_map_new(arena), *leaks = eg_map_new(arena);
    const char *first = NULL;
    for (size_t i = 0; i < train->count; i++) eg_map_set(seen, train->groups[i], (int64_t)i);
    for (size_t i = 0; i < val->count; i++) {
        if (eg_map_find(seen, val->groups[i]) < 0) continue;
        if (!first) first = val->groups[i];
        eg_map_set(leaks, val->groups[i], 0);
    }
    if (!first) return true;
    return eg_fail_at(
        err, EG_RECIPE, data->train.place,
        "data.train and data.val share %zu group%s of '%s', such as '%s': what is validated has been "
        "learned from; put each group on one side",
        eg_map_count(leaks), eg_map_count(leaks) == 1 ? "" : "s", data->train.group_column, first);
}

bool eg_samples_open(eg_samples *samples, eg_arena *arena, const eg_recipe *recipe, const eg_net *net,
                     eg_error *err)
{
    const eg_data_section *data = &recipe->data;
    const eg_target_section *target = &recipe->target;
    if (data->train.kind == EG_DATA_NONE)
        return eg_fail_at(err, EG_RECIPE, (eg_place){.file = recipe->path},
                          "there is a train section and no data.train; say where the training samples are");
    if (!eg_samples_check_net(arena, net, target->place, err)) return false;
    samples->train =
        open_set(arena, &data->train, target->classes, target->class_count, net, target->place, err);
    if (!samples->train ||
        !eg_samples_pipeline(&samples->train_pipeline, arena, data->preprocess, data->augment, net, err) ||
        !try_first(arena, samples->train, &samples->train_pipeline, err))
        return false;
    if (data->val.kind == EG_DATA_NONE) return true;
    eg_data_set *val = EG_NEW(arena, eg_data_set);
    return find_group(arena, data, val, err) &&
           eg_samples_open_val(samples, arena, val, samples->train->classes, samples->train->class_count,
                               data->preprocess, net, target->place, err) &&
           check_leak(arena, samples, data, err);
}
