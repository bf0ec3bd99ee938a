#include "format/cursor.h"

#include <string.h>

eg_cursor eg_cursor_over(const uint8_t *bytes, uint64_t size)
{
    return (eg_cursor){.bytes = bytes, .size = size};
}

uint64_t eg_cursor_left(const eg_cursor *cursor)
{
    return cursor->size - cursor->at;
}

const uint8_t *eg_cursor_take(eg_cursor *cursor, uint64_t n)
{
    if (cursor->failed) return NULL;
    if (n > eg_cursor_left(cursor)) {
        cursor->failed = true;
        cursor->wanted = n;
        return NULL;
    }
    const uint8_t *bytes = cursor->bytes + cursor->at;
    cursor->at += n;
    return bytes;
}

static uint64_t take_number(eg_cursor *cursor, unsigned size)
{
    const uint8_t *bytes = eg_cursor_take(cursor, size);
    uint64_t value = 0;
    for (unsigned i = 0; bytes && i < size; i++) value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

uint8_t eg_cursor_u8(eg_cursor *cursor)
{
    return (uint8_t)take_number(cursor, 1);
}

uint16_t eg_cursor_u16(eg_cursor *cursor)
{
    return (uint16_t)take_number(cursor, 2);
}

uint32_t eg_cursor_u32(eg_cursor *cursor)
{
    return (uint32_t)take_number(cursor, 4);
}

uint64_t eg_cursor_u64(eg_cursor *cursor)
{
    return take_number(cursor, 8);
}

void eg_cursor_seek(eg_cursor *cursor, uint64_t at)
{
    if (at > cursor->size) {
        cursor->failed = true;
        cursor->wanted = at - cursor->size;
    } else {
        cursor->at = at;
    }
}

const char *eg_cursor_line(eg_cursor *cursor, size_t *length)
{
    *length = 0;
    if (cursor->failed) return NULL;
    const uint8_t *start = cursor->bytes + cursor->at;
    uint64_t left = eg_cursor_left(cursor);
    const uint8_t *end = left ? memchr(start, '\n', left) : NULL;
    if (!end) {
        cursor->failed = true;
        cursor->wanted = left + 1;
        return NULL;
    }
    cursor->at += (uint64_t)(end - start) + 1;
    *length = (size_t)(end - start);
    if (*length && start[*length - 1] == '\r') --*length;
    return (const char *)start;
}
