#include "format/protobuf.h"

uint64_t eg_pb_varint(eg_cursor *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t byte = eg_cursor_u8(in);
        if (in->failed || (shift == 63 && byte > 1)) break;
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return value;
    }
    in->failed = true;
    return 0;
}

bool eg_pb_next(eg_cursor *in, eg_pb_field *field)
{
    if (in->failed || eg_cursor_left(in) == 0) return false;
    uint64_t tag = eg_pb_varint(in);
    *field = (eg_pb_field){.number = (uint32_t)(tag >> 3), .wire = (eg_pb_wire)(tag & 7)};
    if (tag >> 3 == 0 || tag > UINT32_MAX) in->failed = true;
    switch (field->wire) {
    case EG_PB_VARINT: field->value = eg_pb_varint(in); break;
    case EG_PB_64: field->value = eg_cursor_u64(in); break;
    case EG_PB_32: field->value = eg_cursor_u32(in); break;
    case EG_PB_BYTES:
        field->size = eg_pb_varint(in);
        field->bytes = eg_cursor_take(in, field->size);
        break;
    default: in->failed = true; break;
    }
    return !in->failed;
}
