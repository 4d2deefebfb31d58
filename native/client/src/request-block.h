/*
 * What stands before the abort message that a request names, for a daemon that knows more than Android's: the request
 * itself has no room. Android's daemon reads what follows the block alone. Layout, little-endian, alike in 32- and
 * 64-bit processes:
 *
 *   off  type     field
 *   0    char[8]  "DBGRDRQ1"
 *   8    uint64   the address that the request carries: of the end of this block
 *   16   uint64   address of the annotations (annotations.h), 0: none
 *   24   uint32   bit 0: there is an abort message; without it the text that follows is empty and says nothing
 *   28   uint32   0
 */
#ifndef DEBUGGERD_REQUEST_BLOCK_H
#define DEBUGGERD_REQUEST_BLOCK_H

#include <stddef.h>
#include <stdint.h>

enum { REQUEST_BLOCK_HAS_MESSAGE = 1 };

struct request_block {
  char magic[8];
  uint64_t message_address;
  uint64_t annotations;
  uint32_t flags;
  uint32_t reserved;
};

_Static_assert(sizeof(struct request_block) == 32, "the daemon reads 32 bytes");

/* The block, then the abort message as Android's C library has it; `size` counts itself and the text with its NUL. */
struct request_message {
  struct request_block block;
  size_t size;
  char text[];
};

_Static_assert(offsetof(struct request_message, size) == sizeof(struct request_block), "no gap before the message");

#endif
