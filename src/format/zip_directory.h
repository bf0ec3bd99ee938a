/* A zip archive's central directory, read strictly, and its records: stored (used where they lie) or
 * deflated.
 *
 *   LFH  50 4B 03 04 | ver, flags, method, time, date (le16) | crc, csize, usize (le32) | nlen, xlen (le16) |
 * name, extra CDH  50 4B 01 02 | made, ver, flags, method, time, date (le16) | crc, csize, usize (le32) |
 * nlen, xlen, clen, disk, attr (le16) | attr, header offset (le32) | name, extra, comment EOCD 50 4B 05 06 |
 * disks, counts (le16) | cd size, cd offset (le32) | clen (le16) | comment
 *
 * torch.save leaves sizes and CRC in the local header 0 and may leave the CRC 0 altogether; repacked archives
 * have dates, folders and deflated records. Both are accepted. Anything that two readers could understand
 * differently is refused: names that differ between the headers, overlaps, repeated names, bytes that no
 * header counts. */
#ifndef ENGRAFT_FORMAT_ZIP_DIRECTORY_H
#define ENGRAFT_FORMAT_ZIP_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engraft/arena.h"
#include "engraft/error.h"

typedef struct eg_zip_entry {
    const char *name;
    uint64_t header, data; /* offsets in the file */
    uint64_t stored, full; /* bytes in the file, and after inflating */
    uint32_t crc;          /* 0: not computed by the writer */
    uint16_t method;       /* 0 stored, 8 deflated */
} eg_zip_entry;

typedef struct eg_zip {
    const uint8_t *bytes;
    uint64_t size;
    const eg_zip_entry *entries; /* directory order, folders left out */
    size_t count;
    struct eg_map *index;
    uint64_t inflated; /* so far; bounded by 4 times the file and 1 GiB */
} eg_zip;

/* Errors ZIP-001, -002, -004 … -009, -012. The mapping must outlive the zip. */
bool eg_zip_open(eg_zip *zip, eg_arena *arena, const uint8_t *bytes, uint64_t size, eg_error *err);
const eg_zip_entry *eg_zip_find(const eg_zip *zip, const char *name);
/* Why a record may not have that name, or NULL. */
const char *eg_zip_name_fault(const char *name, size_t length);
/* Compares the CRC-32 of a record's bytes with the archive's. Errors ZIP-011. */
bool eg_zip_check(const eg_zip_entry *entry, uint32_t crc, eg_error *err);
/* The same of a stored record, which it reads. */
bool eg_zip_verify(const eg_zip *zip, const eg_zip_entry *entry, eg_error *err);
/* The first `size` bytes of a record into out, size <= entry->full; nothing more of it is read. */
bool eg_zip_peek(const eg_zip *zip, const eg_zip_entry *entry, uint8_t *out, size_t size, eg_error *err);
/* Inflates a deflated record into out, entry->full bytes. */
bool eg_zip_inflate(eg_zip *zip, const eg_zip_entry *entry, uint8_t *out, bool verify, eg_error *err);
/* A small record: its place in the file, or an inflated copy in the arena. NULL and ZIP-010 above the limit.
 */
const uint8_t *eg_zip_read(eg_zip *zip, eg_arena *arena, const eg_zip_entry *entry, uint64_t limit,
                           bool verify, eg_error *err);

#endif
