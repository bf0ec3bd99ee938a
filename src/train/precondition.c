#include "train/precondition.h"

#include <inttypes.h>
#include <string.h>

#include "net/op.h"

static bool check_labels(const eg_dataset *dataset, int64_t classes, eg_error *err)
{
    for (size_t i = 0; i < dataset->count; i++) {
        const eg_sample *sample = &dataset->samples[i];
        if (sample->label < 0 || sample->label >= classes)
            return eg_fail(err, EG_RECIPE,
                           "'%s' has label %" PRId32 ", and the network has %" PRId64 " outputs",
                           sample->file, sample->label, classes);
    }
    return true;
}

/* A variance needs two values per channel: a single sample has them only where maps are larger than 1x1. */
static bool check_batch_norm(const eg_trainer_options *with, const eg_phase *phase, int64_t last,
                             eg_error *err)
{
    const eg_net *net = with->net;
    for (int32_t i = 0; last == 1 && i < net->node_count; i++) {
        const eg_node *node = &net->nodes[i];
        bool batch_statistics =
            phase->batch_norm[i] == EG_BN_DEFAULT || phase->batch_norm[i] == EG_BN_TRAIN_STATS;
        if (strncmp(node->op->name, "batch_norm", strlen("batch_norm")) != 0 || !batch_statistics) continue;
        const eg_value *x = eg_node_input(net, node, 0);
        if (eg_value_numel(x) > x->dims[x->rank - 1]) continue;
        return eg_fail(
            err, EG_RECIPE,
            "with %zu samples and batch_size %" PRId64 " an epoch's last batch is a single sample, of which "
            "BatchNorm '%s' sees one value per channel, too few for a variance; choose another batch_size",
            with->train->count, with->section->batch_size, node->path);
    }
    return true;
}

bool eg_precondition_check(const eg_trainer_options *with, int64_t batch, int64_t *classes, eg_error *err)
{
    eg_arena arena = {0};
    const eg_value *output = &with->net->values[with->net->output];
    bool ok = output->rank == 1;
    if (!ok)
        eg_fail(err, EG_RECIPE, "the network's output %s is not a vector of class scores",
                eg_value_text(&arena, output));
    eg_arena_clear(&arena);
    *classes = output->dims[0];
    ok = ok && check_labels(with->train, *classes, err) &&
         (!with->val || check_labels(with->val, *classes, err));
    for (size_t i = 0; ok && i < with->phases->count; i++)
        ok = check_batch_norm(with, &with->phases->items[i], ((int64_t)with->train->count - 1) % batch + 1,
                              err);
    return ok;
}

/* scikit-learn's 'balanced': n / (classes * samples of the class); a class without samples counts nothing. */
static const double *balanced_weights(const eg_dataset *set, int64_t classes, eg_arena *arena)
{
    double *weights = EG_NEW_ARRAY(arena, double, (size_t)classes);
    for (size_t i = 0; i < set->count; i++) weights[set->samples[i].label]++;
    for (int64_t c = 0; c < classes; c++)
        if (weights[c] > 0) weights[c] = (double)set->count / ((double)classes * weights[c]);
    return weights;
}

bool eg_precondition_criterion(const eg_trainer_options *with, int64_t classes, eg_arena *arena,
                               eg_criterion *criterion, eg_error *err)
{
    const eg_loss_section *loss = &with->section->loss;
    *criterion = (eg_criterion){.kind = loss->kind,
                                .smoothing = loss->label_smoothing,
                                .gamma = loss->gamma,
                                .weights = loss->weight_count ? loss->weights : NULL};
    if (loss->balanced) criterion->weights = balanced_weights(with->train, classes, arena);
    if (!loss->weight_count || (int64_t)loss->weight_count == classes) return true;
    return eg_fail_at(err, EG_RECIPE, loss->place,
                      "'class_weights' has %zu numbers, and the network tells %" PRId64 " classes apart",
                      loss->weight_count, classes);
}
