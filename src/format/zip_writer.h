/* Writing zip archives in the dialect of torch.save (miniz in streaming mode), byte for byte: stored records
 * whose data start at multiples of 64, sizes and CRC behind the data, zip64 end records always.
 *
 *   LFH flags 0x0808 (0x0800 when empty), crc and sizes 0 | name | zip64 field | 'F' 'B' u16 pad 'Z'…  | data
 *   50 4B 07 08 crc size size (not when empty; 64-bit sizes when the entry has a zip64 field)
 *   …  directory | zip64 end | locator | end */
#ifndef ENGRAFT_FORMAT_ZIP_WRITER_H
#define ENGRAFT_FORMAT_ZIP_WRITER_H

#include "engraft/arena.h"
#include "format/payload.h"

typedef struct eg_zip_record {
    const char *name; /* with its folder */
    uint64_t header, size;
    uint32_t crc;
} eg_zip_record;

typedef struct eg_zip_writer {
    eg_output *output;
    eg_arena *arena;
    eg_zip_record *records;
    size_t count, capacity;
} eg_zip_writer; /* output and arena set, the rest zero: an archive without records */

/* A record starts, gets exactly `size` bytes in any number of pieces, and ends. */
bool eg_zip_writer_begin(eg_zip_writer *zip, const char *name, uint64_t size, eg_error *err);
bool eg_zip_writer_add(eg_zip_writer *zip, const void *bytes, size_t size, eg_error *err);
bool eg_zip_writer_end(eg_zip_writer *zip, eg_error *err);
/* Instead of ending: the record's last bytes are an entry's elements, for which it leaves room. Once
 * eg_payloads_write has filled them, eg_zip_writer_fill ends the record (counted from 0). */
bool eg_zip_writer_place(eg_zip_writer *zip, const eg_entry *entry, eg_payload *payload, eg_error *err);
bool eg_zip_writer_fill(eg_zip_writer *zip, size_t record, const eg_payload *payload, eg_error *err);
/* A record of these bytes. */
bool eg_zip_writer_record(eg_zip_writer *zip, const char *name, const void *bytes, size_t size,
                          eg_error *err);
/* The directory and the end records; the output is left to be committed. */
bool eg_zip_writer_finish(eg_zip_writer *zip, eg_error *err);

#endif
