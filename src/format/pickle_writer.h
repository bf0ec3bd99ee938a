/* Writing pickles, protocol 2, as Python's pickler does: every object is put into the memo when it is made,
 * and fetched from there when it comes again. */
#ifndef ENGRAFT_FORMAT_PICKLE_WRITER_H
#define ENGRAFT_FORMAT_PICKLE_WRITER_H

#include "base/map.h"
#include "base/str.h"

typedef struct eg_pickle_writer {
    eg_buf out;
    eg_arena *arena;
    eg_map *shared; /* globals and shared strings -> memo index */
    uint32_t memo;  /* the next index */
} eg_pickle_writer;

void eg_pickle_writer_init(eg_pickle_writer *w, eg_arena *arena);
void eg_pickle_write_op(eg_pickle_writer *w, char op);
/* BINPUT of the newest object; returns its index. */
uint32_t eg_pickle_write_put(eg_pickle_writer *w);
void eg_pickle_write_get(eg_pickle_writer *w, uint32_t index);
/* The shortest of BININT1, BININT2, BININT, LONG1. */
void eg_pickle_write_int(eg_pickle_writer *w, int64_t value);
/* A str, always written out. */
void eg_pickle_write_text(eg_pickle_writer *w, const char *text);
/* A str or a global, written out the first time and fetched afterwards. */
void eg_pickle_write_shared(eg_pickle_writer *w, const char *text);
void eg_pickle_write_global(eg_pickle_writer *w, const char *module, const char *name);
/* A tuple of ints. */
void eg_pickle_write_ints(eg_pickle_writer *w, const int64_t *values, uint32_t count);

/* The items of a dict come in batches of 1000, as Python's: MARK … SETITEMS, or SETITEM for a batch of one.
 * Call before and after each pair. */
void eg_pickle_write_pair_begin(eg_pickle_writer *w, size_t at, size_t count);
void eg_pickle_write_pair_end(eg_pickle_writer *w, size_t at, size_t count);

#endif
