/* Pickles as inert data. The opcodes build nodes; nothing is imported, called or looked up: a GLOBAL is two
 * strings, a REDUCE is a node that remembers function and arguments. What a node means is decided by whoever
 * reads the tree.
 *
 * Protocols 2 to 5 (Python 2 and 3 writers, torch.save, the C++ pickler of TorchScript). Nodes are named by
 * 32-bit handles; the memo holds handles, so shared and cyclic structures cost nothing and BINGET copies
 * nothing. Strings and bytes point into the pickle itself, which must outlive the tree. */
#ifndef ENGRAFT_FORMAT_PICKLE_H
#define ENGRAFT_FORMAT_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engraft/arena.h"
#include "engraft/error.h"

typedef uint32_t eg_ref; /* a node; 0 is no node */

typedef enum eg_py_kind {
    EG_PY_NONE,
    EG_PY_BOOL,
    EG_PY_INT,
    EG_PY_BIGINT, /* beyond 64 bits: two's complement, little-endian, in bytes/count (count 0: decimal text,
                     kept out) */
    EG_PY_FLOAT,
    EG_PY_STR,
    EG_PY_BYTES,
    EG_PY_TUPLE,
    EG_PY_LIST,
    EG_PY_DICT, /* items: key, value, key, value … in file order, repeated keys included */
    EG_PY_SET,
    EG_PY_GLOBAL,
    EG_PY_PERSISTENT, /* args: the persistent id */
    EG_PY_CALL,       /* REDUCE: function(*args), then state (BUILD) and items (SETITEMS or APPENDS) */
    EG_PY_OBJECT,     /* NEWOBJ: function is the class */
    EG_PY_KIND_COUNT,
} eg_py_kind;

typedef struct eg_py_node {
    uint8_t kind;
    bool mapping;    /* CALL, OBJECT: the items are key, value pairs */
    uint16_t depth;  /* of nesting when it was built */
    uint32_t offset; /* of the opcode that made it, in the pickle */
    uint32_t count;  /* items, or bytes of a text */
    uint32_t capacity;
    eg_ref function, args, state;
    union {
        int64_t integer; /* also BOOL */
        double real;
        const char *bytes; /* STR, BYTES: not terminated */
        eg_ref *items;
        struct {
            const char *module, *name; /* GLOBAL: Python 3 names */
        };
    };
} eg_py_node;

typedef struct eg_pickle {
    eg_py_node *nodes; /* nodes[0] is unused */
    uint32_t count, capacity;
    eg_ref root;
    eg_arena *arena;
} eg_pickle;

/* Parses the pickle at the start of bytes. *used receives its length; used NULL: bytes after STOP are an
 * error. Errors PKL-001 … PKL-012. The arena owns the result. */
eg_pickle *eg_pickle_parse(eg_arena *arena, const uint8_t *bytes, uint64_t size, uint64_t *used,
                           eg_error *err);
const eg_py_node *eg_pickle_node(const eg_pickle *pickle, eg_ref ref);

#endif
