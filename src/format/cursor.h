/* A bounded reader of little-endian bytes. After the first overrun every getter returns 0 and `failed` stays
 * set, so a record is read whole and checked once. */
#ifndef ENGRAFT_FORMAT_CURSOR_H
#define ENGRAFT_FORMAT_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct eg_cursor {
    const uint8_t *bytes;
    uint64_t size, at;
    bool failed;
    uint64_t wanted; /* bytes that the first failed getter asked for */
} eg_cursor;

eg_cursor eg_cursor_over(const uint8_t *bytes, uint64_t size);
uint64_t eg_cursor_left(const eg_cursor *cursor);
/* The next n bytes, or NULL. */
const uint8_t *eg_cursor_take(eg_cursor *cursor, uint64_t n);
uint8_t eg_cursor_u8(eg_cursor *cursor);
uint16_t eg_cursor_u16(eg_cursor *cursor);
uint32_t eg_cursor_u32(eg_cursor *cursor);
uint64_t eg_cursor_u64(eg_cursor *cursor);
/* Moves to a position; fails beyond the end. */
void eg_cursor_seek(eg_cursor *cursor, uint64_t at);
/* The text up to the next newline, which is consumed and not counted; a '\r' before it is dropped. */
const char *eg_cursor_line(eg_cursor *cursor, size_t *length);

#endif
