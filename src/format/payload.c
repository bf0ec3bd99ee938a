/* What was tried, and what it gained: 528 MiB from the page cache to a new file on ext4 on a virtual disk,
 * two processors, fsync counted; medians, between which a tenth says nothing. The disk alone takes 0.25
 * to 0.30 s for bytes of which it has nothing yet (0.19 s for those that it overwrites), whatever sends them;
 * apply takes 0.28 s, of which 0.01 s are the start of the process. So the disk is all that is waited for.
 * - Writing to disk begins while pieces are copied, not with fsync: 0.24 instead of 0.36 s. Kept.
 * - Started after every piece instead of once a round; rounds of 64 pieces; no rounds at all; pieces of 256
 * KiB or 1 MiB: the same or slower. Pieces of 4 MiB, which leave the cache: 0.47 s.
 * - O_DIRECT from aligned buffers, pieces of 256 KiB to 4 MiB on 2 to 16 threads: 0.27 to 0.36 s, and what
 *   trains from the file next would have to read it from the disk again.
 * - Without fallocate: the same. It stays, for it finds a full disk before anything is copied.
 * - One thread instead of two: the same for the copy alone; the other one hashes beside it. With a digest the
 *   digest's own 0.45 s is all that is waited for, since BLAS's idle threads no longer take its processor
 *   (eg_gemm_setup): 0.52 s with them. */
#include "format/payload.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/pool.h"
#include "base/sha256.h"
#include "format/checkpoint_file.h"
#include "tensor/elements.h"

enum {
    PIECE = 1 << 19, /* bytes; a multiple of every element's size */
    SLOTS = 16,      /* pieces in a round */
    MOST_THREADS = 4 /* more wait for the file system */
};

typedef struct piece {
    eg_payload *payload; /* NULL: nothing is written, it is only hashed */
    uint64_t from;       /* in the source file, where it is in one */
    uint64_t first;      /* byte of the payload */
    size_t size;
} piece;

/* What a round's tasks leave behind, one each. */
typedef struct slot {
    const void *bytes;
    uint32_t crc;
    eg_error err;
} slot;

typedef struct round {
    const piece *pieces;
    size_t count;
    slot slots[SLOTS];
    uint8_t *buffers; /* SLOTS pieces */
} round;

typedef struct copy {
    eg_output *output;
    eg_write_watch *watch;    /* or NULL */
    const eg_mapping *hashed; /* the file whose digest is wanted, or NULL */
    eg_sha256 *sha;
    uint64_t hashed_to;
    eg_pool *pool;
    piece *pieces;
    size_t count, capacity;
    round rounds[2]; /* the present one and the one before it, which is being hashed */
    int now;
    eg_error *err;
} copy;

bool eg_payload_place(eg_payload *payload, const eg_entry *entry, eg_output *output, eg_error *err)
{
    uint64_t numel = 0;
    if (!eg_shape_numel(entry->shape, &numel))
        return eg_fail_id(err, EG_MALFORMED, "TEN-004", "tensor '%s': size overflows 64 bits", entry->name);
    *payload = (eg_payload){entry, numel * eg_dtype_size(entry->dtype), output->size, 0};
    return eg_output_skip(output, payload->size, err);
}

/* ---- what is copied: the pieces ---- */

static void add_piece(copy *c, piece p)
{
    if (c->count == c->capacity) {
        c->capacity = c->capacity ? 2 * c->capacity : 256;
        c->pieces = eg_realloc(c->pieces, eg_size_product(c->capacity, sizeof *c->pieces));
    }
    c->pieces[c->count++] = p;
}

/* from: of the payload's first byte in the source file. */
static void cut(copy *c, eg_payload *payload, uint64_t from, uint64_t size)
{
    for (uint64_t at = 0; at < size; at += PIECE)
        add_piece(c, (piece){payload, from + at, at, (size_t)(size - at < PIECE ? size - at : PIECE)});
}

static uint64_t place_in_file(const eg_payload *payload)
{
    return payload->entry->storage->file_offset + payload->entry->offset;
}

/* By file, and in it as it stands there. */
static int by_place(const void *a, const void *b)
{
    const eg_payload *x = *(eg_payload *const *)a, *y = *(eg_payload *const *)b;
    int fd = x->entry->storage->fd - y->entry->storage->fd;
    uint64_t s = place_in_file(x), t = place_in_file(y);
    if (fd || s != t) return fd ? fd : s < t ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* What no payload takes is hashed all the same. */
static void cut_files(copy *c, eg_payload *const *sorted, size_t count)
{
    uint64_t covered = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t from = place_in_file(sorted[i]), end = from + sorted[i]->size;
        if (c->hashed && c->hashed->fd == sorted[i]->entry->storage->fd) {
            if (from > covered) cut(c, NULL, covered, from - covered);
            covered = end > covered ? end : covered;
        }
        cut(c, sorted[i], from, sorted[i]->size);
    }
    if (c->hashed && covered < c->hashed->size) cut(c, NULL, covered, c->hashed->size - covered);
}

/* ---- one round ---- */

static bool is_hashed(const copy *c, const piece *p)
{
    return c->hashed && (!p->payload || (eg_entry_in_file(p->payload->entry) &&
                                         p->payload->entry->storage->fd == c->hashed->fd));
}

/* In the order of the file; pieces may overlap where tensors share bytes. */
static void hash(copy *c, const round *last)
{
    for (size_t i = 0; i < last->count; i++) {
        const piece *p = &last->pieces[i];
        if (!is_hashed(c, p) || p->from + p->size <= c->hashed_to) continue;
        assert(p->from <= c->hashed_to);
        uint64_t skip = c->hashed_to - p->from;
        eg_sha256_add(c->sha, (const uint8_t *)last->slots[i].bytes + skip, p->size - skip);
        c->hashed_to = p->from + p->size;
    }
}

static bool read_piece(const copy *c, const piece *p, slot *s, void *buffer)
{
    s->bytes = buffer;
    if (!p->payload) return eg_read_at(c->hashed->fd, p->from, buffer, p->size, &s->err);
    const eg_entry *entry = p->payload->entry;
    size_t size = eg_dtype_size(entry->dtype);
    s->bytes = eg_entry_part(entry, p->first / size, p->size / size, buffer, &s->err);
    return s->bytes != NULL;
}

static void copy_piece(const copy *c, const piece *p, slot *s, void *buffer)
{
    if (!read_piece(c, p, s, buffer) || !p->payload) return;
    const eg_entry *entry = p->payload->entry;
    size_t size = eg_dtype_size(entry->dtype);
    s->crc = eg_crc32(0, s->bytes, p->size);
    if (c->watch && c->watch->see)
        c->watch->see(c->watch->context, entry, p->first / size, s->bytes, p->size / size);
    eg_output_write_at(c->output, p->payload->at + p->first, s->bytes, p->size, &s->err);
}

enum { HASH_TASK, DISK_TASK, FIRST_SLOT };

static void run_task(void *context, int64_t task, int worker)
{
    copy *c = context;
    round *now = &c->rounds[c->now], *last = &c->rounds[!c->now];
    (void)worker;
    if (task == HASH_TASK) {
        if (c->sha) hash(c, last);
    } else if (task == DISK_TASK) {
        if (last->count) eg_output_start(c->output);
    } else {
        size_t i = (size_t)(task - FIRST_SLOT);
        copy_piece(c, &now->pieces[i], &now->slots[i], now->buffers + i * PIECE);
    }
}

/* The first error in the order of the pieces, whoever met it first. */
static bool take_results(copy *c, const round *now)
{
    for (size_t i = 0; i < now->count; i++) {
        const piece *p = &now->pieces[i];
        if (now->slots[i].err.code != EG_OK) {
            if (c->err && c->err->code == EG_OK) *c->err = now->slots[i].err;
            return false;
        }
        if (p->payload) p->payload->crc = eg_crc32_join(p->payload->crc, now->slots[i].crc, p->size);
    }
    return true;
}

/* Copies these pieces while those of the round before are hashed and written to disk. */
static bool run_round(copy *c, const piece *pieces, size_t count)
{
    c->now = !c->now;
    round *now = &c->rounds[c->now];
    now->pieces = pieces;
    now->count = count;
    memset(now->slots, 0, sizeof now->slots);
    eg_pool_run(c->pool, (int64_t)count + FIRST_SLOT, run_task, c);
    return take_results(c, now);
}

/* ... and, at the end, hashes the last round. */
static bool copy_pieces(copy *c)
{
    bool ok = true;
    for (size_t at = 0; ok && at < c->count; at += SLOTS)
        ok = run_round(c, c->pieces + at, c->count - at < SLOTS ? c->count - at : SLOTS);
    if (c->sha && ok) hash(c, &c->rounds[c->now]);
    c->rounds[0].count = c->rounds[1].count = 0;
    c->count = 0;
    return ok;
}

/* ---- all of them ---- */

/* A storage that is verified by what is read of it need not be read for that before. */
static bool needs_load(const eg_entry *entry)
{
    return entry->storage->load && !eg_entry_is_checkable(entry);
}

static bool copy_files(copy *c, eg_payload *list, size_t count)
{
    eg_payload **sorted = eg_malloc(eg_size_product(count + 1, sizeof *sorted));
    size_t found = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        if (!list[i].size || !eg_entry_in_file(list[i].entry)) continue;
        if (needs_load(list[i].entry)) ok = eg_storage_load(list[i].entry->storage, c->err);
        sorted[found++] = &list[i];
    }
    if (found) qsort(sorted, found, sizeof *sorted, by_place);
    cut_files(c, sorted, found);
    ok = ok && copy_pieces(c);
    for (size_t i = 0; ok && i < count; i++)
        if (list[i].size && eg_entry_is_checkable(list[i].entry))
            ok = eg_storage_check(list[i].entry->storage, list[i].crc, c->err);
    free(sorted);
    return ok;
}

/* What is in memory goes together; what has to be made, one after the other. */
static bool copy_memory(copy *c, eg_payload *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        eg_storage *storage = list[i].entry->storage;
        if (!list[i].size || eg_entry_in_file(list[i].entry)) continue;
        bool made = storage->load != NULL;
        if (made && (!copy_pieces(c) || !eg_storage_load(storage, c->err))) return false;
        cut(c, &list[i], 0, list[i].size);
        if (!made) continue;
        bool ok = copy_pieces(c);
        eg_storage_unload(storage);
        if (!ok) return false;
    }
    return copy_pieces(c);
}

static int choose_threads(const eg_payload *list, size_t count, const eg_checkpoint_extra *extra)
{
    uint64_t bytes = 0;
    int threads = extra && extra->threads ? extra->threads : (int)sysconf(_SC_NPROCESSORS_ONLN);
    for (size_t i = 0; i < count; i++) bytes += list[i].size;
    if (bytes < (uint64_t)SLOTS * PIECE) return 1;
    return threads < 1 ? 1 : threads < MOST_THREADS ? threads : MOST_THREADS;
}

static bool open_copy(copy *c, size_t size, const eg_payload *list, size_t count,
                      const eg_checkpoint_extra *extra)
{
    c->pool = eg_pool_new(choose_threads(list, count, extra), c->err);
    uint8_t *buffers = c->pool ? eg_block_new(size, "the pieces of tensors", c->err) : NULL;
    c->rounds[0].buffers = buffers;
    c->rounds[1].buffers = c->sha && buffers ? buffers + (size_t)SLOTS * PIECE : buffers;
    return buffers != NULL;
}

bool eg_payloads_write(eg_output *output, eg_payload *list, size_t count, const eg_checkpoint_extra *extra,
                       eg_error *err)
{
    copy c = {.output = output, .watch = extra ? extra->watch : NULL, .err = err};
    if (c.watch && c.watch->source && !c.watch->sha256[0]) {
        c.hashed = &((const eg_checkpoint_file *)c.watch->source->impl)->mapping;
        c.sha = eg_sha256_new();
    }
    size_t size = (size_t)PIECE * SLOTS * (c.sha ? 2 : 1);
    bool ok = open_copy(&c, size, list, count, extra) && eg_output_allocate(output, err) &&
              copy_files(&c, list, count) && copy_memory(&c, list, count);
    char digest[65];
    if (c.sha) eg_sha256_finish(c.sha, digest);
    if (c.sha && ok) memcpy(c.watch->sha256, digest, sizeof digest);
    eg_block_free(c.rounds[0].buffers, size);
    eg_pool_free(c.pool);
    free(c.pieces);
    return ok && (!c.watch || !c.watch->finish || c.watch->finish(c.watch->context, err));
}
