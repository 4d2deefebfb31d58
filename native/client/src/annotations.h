/*
 * What a program says of itself: keys with values. They lie in fixed places, for the daemon to read them from outside. Layout,
 * little-endian, alike in 32- and 64-bit processes:
 *
 *   off   type             field
 *   0     char[8]          "DBGRDAN1"
 *   8     24 bytes         0
 *   32    slot[64]         80 bytes each
 *   5152  char[64][3][1024]  of each slot three values, each ended by a NUL
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

#include <stdint.h>

/* The address that the request block carries; 0: nothing was annotated. Runs in the signal handler of a crashed thread. */
uint64_t annotations_address(void);

#endif
