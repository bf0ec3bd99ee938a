#include "train/feed.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "train/feature_key.h"
#include "train/feature_store.h"

/* Features pay where reading them (a gigabyte a second, say) takes less than computing them (a hundred
 * operations a nanosecond); a file, where computing them again would take more than a second or so. */
static const double worth_keeping = 100, worth_a_file = 1e11;

struct eg_feed {
    eg_arena arena;
    eg_feed_options with;
    const eg_cut *cut;
    eg_feature_store *store; /* NULL: nothing is kept */
    float *rows;             /* (batch, numel): the batch's features */
    size_t rows_size, store_size;
    int64_t *samples; /* of the batch: what is loaded */
    int64_t *slots;   /* of the batch: rows of the store */
    bool *damaged;    /* of the batch */
    bool proved;      /* a batch that was read was the same as computed */
    bool reset;       /* the store was wrong once */
};

bool eg_feed_repeats(const eg_pipeline *pipeline, int64_t pool_size)
{
    return pool_size > 0 || !eg_transforms_draw(pipeline->transforms);
}

/* ---- deciding ---- */

/* How many images a sample has. */
static int64_t draws_of(const eg_feed *feed)
{
    bool several = feed->with.pool_size > 0 && eg_transforms_draw(feed->with.pipeline->transforms);
    return several ? feed->with.pool_size : 1;
}

static int64_t row_count(const eg_feed *feed)
{
    return (int64_t)feed->with.dataset->count * draws_of(feed);
}

static double bytes_of(const eg_feed *feed)
{
    return (double)row_count(feed) * (double)feed->cut->numel * sizeof(float);
}

static double physical_memory(void)
{
    return (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
}

/* Why nothing is kept, or NULL; "" where nobody would expect it. */
static const char *reason_against(eg_feed *feed)
{
    const eg_feed_options *with = &feed->with;
    const char *why = eg_cut_reason(&feed->arena, with->net, with->trainable, feed->cut);
    if (with->cache == EG_CACHE_OFF || (with->cache == EG_CACHE_AUTO && feed->cut->flops == 0)) return "";
    if (!eg_feed_repeats(with->pipeline, with->pool_size))
        return "data.augment draws anew in every epoch (data.augment_pool: N repeats after N)";
    if (feed->cut->value_count == 0) return "nothing trains";
    if (with->cache != EG_CACHE_AUTO) return NULL;
    if (feed->cut->flops < worth_keeping * (double)feed->cut->numel * sizeof(float))
        return eg_arena_printf(&feed->arena,
                               "%s, and computing what stands before it is as fast as reading it", why);
    return NULL;
}

static bool keep_in_memory(eg_feed *feed, eg_error *err)
{
    feed->store = eg_feature_store_memory(row_count(feed), feed->cut->numel, err);
    if (feed->store) feed->store_size = (size_t)bytes_of(feed);
    return feed->store != NULL;
}

static bool keep_on_disk(eg_feed *feed, eg_error *err)
{
    const eg_feed_options *with = &feed->with;
    const char *folder = with->folder ? with->folder : eg_feature_folder(&feed->arena);
    char key[65];
    eg_feature_key of = {.net = with->net,
                         .weights = with->weights,
                         .cut = feed->cut,
                         .dataset = with->dataset,
                         .pipeline = with->pipeline,
                         .seed = with->seed,
                         .pool = eg_transforms_draw(with->pipeline->transforms) ? with->pool_size : 0,
                         .batch = with->apart ? 0 : with->batch};
    if (!folder)
        return eg_fail(err, EG_SYSTEM,
                       "there is no folder for features: neither XDG_CACHE_HOME nor HOME is set; give "
                       "train.cache_dir");
    if (!eg_feature_key_make(&of, with->pool, key, err)) return false;
    feed->store = eg_feature_store_open(folder, key, row_count(feed), feed->cut->numel, err);
    return feed->store != NULL;
}

/* Where: a file for what takes long to compute, else memory, of which no more than a quarter is taken. */
static bool keep_by_size(eg_feed *feed, const char **why)
{
    eg_error err = {0};
    if (feed->cut->flops * (double)row_count(feed) > worth_a_file && keep_on_disk(feed, &err)) return true;
    if (bytes_of(feed) < physical_memory() / 4) return keep_in_memory(feed, NULL);
    *why = eg_arena_printf(&feed->arena, "%.1f GB are too much for memory%s%s", bytes_of(feed) / 1e9,
                           err.code ? ", and the disk: " : "", err.code ? err.text : "");
    return false;
}

static void tell(const eg_feed *feed, const char *why)
{
    const char *name = feed->with.name;
    if (!feed->store) {
        if (why && why[0]) eg_log("features   %s: not kept: %s", name, why);
        return;
    }
    eg_log("features   %s: %" PRId64 " numbers a sample, %.1f MB %s%s", name, feed->cut->numel,
           bytes_of(feed) / 1e6, feed->store_size ? "in memory" : "on disk",
           eg_feature_store_found(feed->store) ? ", found from an earlier run" : "");
}

static bool open_store(eg_feed *feed, eg_error *err)
{
    const char *why = reason_against(feed);
    bool ok = true;
    if (!why) switch (feed->with.cache) {
        case EG_CACHE_MEMORY: ok = keep_in_memory(feed, err); break;
        case EG_CACHE_DISK: ok = keep_on_disk(feed, err); break;
        default: keep_by_size(feed, &why); break;
        }
    if (ok) tell(feed, why);
    return ok;
}

eg_feed *eg_feed_new(const eg_feed_options *options, eg_error *err)
{
    eg_arena arena = {0};
    eg_feed *feed = EG_NEW(&arena, eg_feed);
    *feed = (eg_feed){.arena = arena, .with = *options, .cut = eg_exec_cut(options->exec)};
    size_t batch = (size_t)options->batch;
    feed->samples = EG_NEW_ARRAY(&feed->arena, int64_t, batch);
    feed->slots = EG_NEW_ARRAY(&feed->arena, int64_t, batch);
    feed->damaged = EG_NEW_ARRAY(&feed->arena, bool, batch);
    bool ok = open_store(feed, err);
    if (ok && feed->store) {
        feed->rows_size = eg_size_product(batch, (size_t)feed->cut->numel * sizeof(float));
        feed->rows = eg_block_new(feed->rows_size, "a batch of features", err);
        ok = feed->rows != NULL;
    }
    if (ok) return feed;
    eg_feed_free(feed);
    return NULL;
}

void eg_feed_free(eg_feed *feed)
{
    if (!feed) return;
    eg_feature_store_close(feed->store);
    eg_block_free(feed->rows, feed->rows_size);
    eg_arena arena = feed->arena; /* it holds the feed itself */
    eg_arena_clear(&arena);
}

size_t eg_feed_bytes(const eg_feed *feed)
{
    return feed->rows_size + feed->store_size;
}

/* ---- a batch ---- */

typedef struct batch {
    eg_feed *feed;
    int64_t n;
    uint64_t draw; /* epoch of augmentation */
} batch;

static float *row_of(const eg_feed *feed, int64_t i)
{
    return feed->rows + i * feed->cut->numel;
}

static bool all_there(const batch *b)
{
    for (int64_t i = 0; i < b->n; i++)
        if (!eg_feature_store_has(b->feed->store, b->feed->slots[i])) return false;
    return true;
}

static void read_task(void *context, int64_t i, int worker)
{
    (void)worker;
    const eg_feed *feed = ((const batch *)context)->feed;
    feed->damaged[i] = !eg_feature_store_read(feed->store, feed->slots[i], row_of(feed, i));
    if (!feed->damaged[i]) eg_exec_put_features(feed->with.exec, i, row_of(feed, i));
}

/* Decodes the images and runs the part before the cut. */
static bool compute(const batch *b, eg_error *err)
{
    const eg_feed_options *with = &b->feed->with;
    if (!eg_batch_load(with->pipeline, with->dataset, b->feed->samples, b->n, with->seed, b->draw, with->pool,
                       eg_exec_input(with->exec), NULL, err))
        return false;
    eg_exec_begin(with->exec, b->n);
    eg_exec_before(with->exec);
    return true;
}

static void drop(eg_feed *feed, const char *why)
{
    eg_log("features   %s: no longer kept: %s", feed->with.name, why);
    eg_feature_store_close(feed->store);
    feed->store = NULL;
}

/* The store is wrong: it starts anew, once. */
static bool start_anew(eg_feed *feed, const char *why, eg_error *err)
{
    eg_error cause = {0};
    if (feed->reset)
        return eg_fail(
            err, EG_MISMATCH,
            "the features of the %s samples were wrong again after they had been computed anew (%s): "
            "this machine's memory, disk or processor gives other bits each time; run with "
            "train.cache: off, and test the machine",
            feed->with.name, why);
    feed->reset = true;
    feed->proved = false;
    eg_log("features   %s: %s; they are computed anew", feed->with.name, why);
    if (!eg_feature_store_reset(feed->store, &cause)) drop(feed, cause.text);
    return true;
}

/* What was computed into the store. */
static void keep(const batch *b)
{
    eg_feed *feed = b->feed;
    eg_error cause = {0};
    for (int64_t i = 0; feed->store && i < b->n; i++) {
        if (eg_feature_store_has(feed->store, feed->slots[i])) continue;
        eg_exec_get_features(feed->with.exec, i, row_of(feed, i));
        if (!eg_feature_store_write(feed->store, feed->slots[i], row_of(feed, i), &cause))
            drop(feed, cause.text);
    }
}

/* What was read against what has been computed since; the rows are overwritten. */
static bool same_as_computed(const batch *b)
{
    const eg_feed *feed = b->feed;
    size_t numel = (size_t)feed->cut->numel;
    float *computed = eg_malloc(eg_size_product(numel, sizeof(float)));
    bool same = true;
    for (int64_t i = 0; same && i < b->n; i++) {
        eg_exec_get_features(feed->with.exec, i, computed);
        same = memcmp(computed, row_of(feed, i), numel * sizeof(float)) == 0;
    }
    free(computed);
    return same;
}

static bool read_rows(batch *b, eg_error *err)
{
    eg_feed *feed = b->feed;
    eg_exec_begin(feed->with.exec, b->n);
    eg_pool_run(feed->with.pool, b->n, read_task, b);
    for (int64_t i = 0; i < b->n; i++)
        if (feed->damaged[i])
            return start_anew(feed, "a stored row is damaged", err) && compute(b, err) && (keep(b), true);
    if (feed->proved) return true;
    if (!compute(b, err)) return false;
    feed->proved = same_as_computed(b);
    if (feed->proved) return true;
    return start_anew(feed, "stored ones differ from those computed now", err) && (keep(b), true);
}

bool eg_feed_forward(eg_feed *feed, const int64_t *order, int64_t n, uint64_t epoch, bool training,
                     uint64_t step, int32_t *labels, eg_error *err)
{
    const eg_feed_options *with = &feed->with;
    int64_t draws = draws_of(feed), count = (int64_t)with->dataset->count;
    uint64_t draw = with->pool_size > 0 ? epoch % (uint64_t)draws : epoch;
    batch b = {feed, n, draw};
    assert(n > 0 && n <= with->batch);
    for (int64_t i = 0; i < n; i++) {
        int64_t sample = order[i] % count;
        feed->samples[i] = with->pool_size > 0 ? sample : order[i];
        feed->slots[i] = (draws > 1 ? (int64_t)draw * count : 0) + sample;
        if (labels) labels[i] = with->dataset->samples[sample].label;
    }
    bool there = feed->store && all_there(&b);
    if (there ? !read_rows(&b, err) : !compute(&b, err)) return false;
    if (!there && feed->store) keep(&b);
    eg_exec_behind(with->exec, training, step);
    return true;
}
