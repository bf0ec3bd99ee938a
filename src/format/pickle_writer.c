#include "format/pickle_writer.h"

#include <string.h>

enum { BATCH = 1000 };

static void put_number(eg_pickle_writer *w, uint64_t value, unsigned size)
{
    char bytes[8];
    for (unsigned i = 0; i < size; i++) bytes[i] = (char)(value >> 8 * i);
    eg_buf_add(&w->out, bytes, size);
}

void eg_pickle_writer_init(eg_pickle_writer *w, eg_arena *arena)
{
    *w = (eg_pickle_writer){.arena = arena, .shared = eg_map_new(arena)};
    eg_buf_add(&w->out, "\x80\x02", 2);
}

void eg_pickle_write_op(eg_pickle_writer *w, char op)
{
    eg_buf_add(&w->out, &op, 1);
}

uint32_t eg_pickle_write_put(eg_pickle_writer *w)
{
    eg_pickle_write_op(w, w->memo < 256 ? 'q' : 'r');
    put_number(w, w->memo, w->memo < 256 ? 1 : 4);
    return w->memo++;
}

void eg_pickle_write_get(eg_pickle_writer *w, uint32_t index)
{
    eg_pickle_write_op(w, index < 256 ? 'h' : 'j');
    put_number(w, index, index < 256 ? 1 : 4);
}

/* LONG1: the fewest bytes of two's complement. */
static void write_long(eg_pickle_writer *w, int64_t value)
{
    unsigned size = 8;
    while (size > 1 && value >> (8 * (size - 1) - 1) == (value < 0 ? -1 : 0)) size--;
    eg_pickle_write_op(w, '\x8a');
    put_number(w, size, 1);
    put_number(w, (uint64_t)value, size);
}

void eg_pickle_write_int(eg_pickle_writer *w, int64_t value)
{
    if (value >= 0 && value < 256) {
        eg_pickle_write_op(w, 'K');
        put_number(w, (uint64_t)value, 1);
    } else if (value >= 0 && value < 65536) {
        eg_pickle_write_op(w, 'M');
        put_number(w, (uint64_t)value, 2);
    } else if (value >= INT32_MIN && value <= INT32_MAX) {
        eg_pickle_write_op(w, 'J');
        put_number(w, (uint64_t)value, 4);
    } else {
        write_long(w, value);
    }
}

void eg_pickle_write_text(eg_pickle_writer *w, const char *text)
{
    size_t length = strlen(text);
    eg_pickle_write_op(w, 'X');
    put_number(w, length, 4);
    eg_buf_add(&w->out, text, length);
    eg_pickle_write_put(w);
}

/* Fetches what was written under this name before; remembers the next memo index otherwise. */
static bool fetch(eg_pickle_writer *w, const char *name)
{
    int64_t at = eg_map_find(w->shared, name);
    if (at >= 0) eg_pickle_write_get(w, (uint32_t)at);
    if (at < 0) eg_map_add(w->shared, eg_arena_string(w->arena, name), w->memo);
    return at >= 0;
}

void eg_pickle_write_shared(eg_pickle_writer *w, const char *text)
{
    if (!fetch(w, text)) eg_pickle_write_text(w, text);
}

void eg_pickle_write_global(eg_pickle_writer *w, const char *module, const char *name)
{
    const char *lines = eg_arena_printf(w->arena, "%s\n%s\n", module, name);
    if (fetch(w, lines)) return;
    eg_pickle_write_op(w, 'c');
    eg_buf_puts(&w->out, lines);
    eg_pickle_write_put(w);
}

void eg_pickle_write_ints(eg_pickle_writer *w, const int64_t *values, uint32_t count)
{
    static const char ops[] = {')', '\x85', '\x86', '\x87', 't'};
    if (count > 3) eg_pickle_write_op(w, '(');
    for (uint32_t i = 0; i < count; i++) eg_pickle_write_int(w, values[i]);
    eg_pickle_write_op(w, ops[count < 4 ? count : 4]);
    if (count) eg_pickle_write_put(w);
}

/* Items in the batch that holds item `at`. */
static size_t batch_size(size_t at, size_t count)
{
    size_t start = at / BATCH * BATCH;
    return count - start < BATCH ? count - start : BATCH;
}

void eg_pickle_write_pair_begin(eg_pickle_writer *w, size_t at, size_t count)
{
    if (at % BATCH == 0 && batch_size(at, count) > 1) eg_pickle_write_op(w, '(');
}

void eg_pickle_write_pair_end(eg_pickle_writer *w, size_t at, size_t count)
{
    size_t size = batch_size(at, count);
    if (at % BATCH == size - 1) eg_pickle_write_op(w, size > 1 ? 'u' : 's');
}
