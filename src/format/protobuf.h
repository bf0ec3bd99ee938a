/* Protocol buffers: walking the fields of a message.
 *
 *   message  fields, one after the other: varint (number << 3 | wire), then by wire
 *            0 varint, 1 eight bytes, 2 varint length and that many bytes, 5 four bytes
 *   varint   seven bits a byte, low ones first; the top bit says that more follow; at most ten bytes
 *
 * Groups (wires 3 and 4) are refused: nobody writes them any more. */
#ifndef ENGRAFT_FORMAT_PROTOBUF_H
#define ENGRAFT_FORMAT_PROTOBUF_H

#include "format/cursor.h"

typedef enum eg_pb_wire { EG_PB_VARINT = 0, EG_PB_64 = 1, EG_PB_BYTES = 2, EG_PB_32 = 5 } eg_pb_wire;

typedef struct eg_pb_field {
    uint32_t number;
    eg_pb_wire wire;
    uint64_t value;       /* VARINT, 64 and 32 */
    const uint8_t *bytes; /* BYTES: `size` of them, in the message */
    uint64_t size;
} eg_pb_field;

/* The next field; false at the end, or, with in->failed set, when the bytes are no message. */
bool eg_pb_next(eg_cursor *in, eg_pb_field *field);
/* 0 and in->failed when there is none. */
uint64_t eg_pb_varint(eg_cursor *in);

#endif
