/* The elements of tensors on their way into a file: the one place where checkpoints are copied.
 *
 *   source file --read--> piece of 512 KiB --> CRC-32, SHA-256 of the source, watcher --write--> output file
 *
 * A writer lays its file out, leaving room for every tensor, and then has all of them copied at once: in the
 * order in which the source holds them, by a few threads, in pieces that pass through memory that stays in
 * the processor's cache. Tensors that are views in memory are written from there; those that have to be made
 * first (inflated, drawn, converted) are made one at a time. What the source's archive says of a record's
 * CRC-32 is compared with the one that was computed on the way. */
#ifndef ENGRAFT_FORMAT_PAYLOAD_H
#define ENGRAFT_FORMAT_PAYLOAD_H

#include "base/output.h"
#include "engraft/checkpoint.h"

typedef struct eg_payload {
    const eg_entry *entry;
    uint64_t size; /* in bytes */
    uint64_t at;   /* in the output, left out there */
    uint32_t crc;  /* of the bytes; filled by eg_payloads_write */
} eg_payload;

/* The entry at the end of the output, which leaves room for it. */
bool eg_payload_place(eg_payload *payload, const eg_entry *entry, eg_output *output, eg_error *err);
/* Fills all the rooms. extra's threads and watch are heeded; NULL is fine. */
bool eg_payloads_write(eg_output *output, eg_payload *list, size_t count, const eg_checkpoint_extra *extra,
                       eg_error *err);

#endif
