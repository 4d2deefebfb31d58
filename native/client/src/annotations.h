/*
 * What a program says of itself, keys with values, and of what a dump is to hold. All lies in fixed places, for the
 * daemon to read it from outside. Layout,
 * little-endian, alike in 32- and 64-bit processes:
 *
 *   off   type             field
 *   0     char[8]          "DBGRDAN1"
 *   8     uint32           the dump's kind, as enum debuggerd_dump_kind
 *   12    20 bytes         0
 *   32    slot[64]         80 bytes each
 *   5152  char[64][3][1024]  of each slot three values, each ended by a NUL
 *   201760  range[64]      registered memory, 16 bytes each: uint64 address, 0: free; uint64 length, 0: none yet
 *
 * slot:
 *   0     uint64           hash of the key (64-bit FNV-1a), 0: free, and so are all that follow
 *   8     uint32           bits 0-1: which of the three values holds, 1 to 3, or 0: the key has no value;
 *                          bits 8-10: those that are being written
 *   12    uint32           0
 *   16    char[64]         the key, ended by a NUL
 */
#ifndef DEBUGGERD_ANNOTATIONS_H
#define DEBUGGERD_ANNOTATIONS_H

#include <stddef.h>
#include <stdint.h>

#include "debuggerd/client.h"

enum {
  ANNOTATION_SLOTS = 64,
  ANNOTATION_VERSIONS = 3,
  REGISTERED_RANGES = 64,
};

struct annotation_slot {
  uint64_t hash __attribute__((aligned(8)));
  uint32_t state;
  uint32_t reserved;
  char key[DEBUGGERD_ANNOTATION_KEY_BYTES];
};

struct registered_range {
  uint64_t address __attribute__((aligned(8)));
  uint64_t length __attribute__((aligned(8)));
};

struct annotations {
  char magic[8];
  uint32_t dump_kind;
  char reserved[20];
  struct annotation_slot slots[ANNOTATION_SLOTS];
  char values[ANNOTATION_SLOTS][ANNOTATION_VERSIONS][DEBUGGERD_ANNOTATION_VALUE_BYTES];
  struct registered_range ranges[REGISTERED_RANGES];
};

_Static_assert(sizeof(struct annotation_slot) == 80, "the daemon reads slots of 80 bytes");
_Static_assert(offsetof(struct annotations, slots) == 32, "the daemon reads slots at 32");
_Static_assert(offsetof(struct annotations, values) == 5152, "the daemon reads values at 5152");
_Static_assert(offsetof(struct annotations, ranges) == 201760, "the daemon reads ranges at 201760");

/*
 * The process's, made by the first who asks; null with errno where no memory can be mapped. Any context but the handler
 * of a crashed thread.
 */
struct annotations *annotations_map(void);

/*
 * The address that the request block carries; 0: nothing was annotated. Runs in the signal handler of a crashed thread.
 */
uint64_t annotations_address(void);

#endif
