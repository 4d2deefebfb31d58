/* Telling the daemon of a crash, and waiting until it has attached. */
#ifndef DEBUGGERD_CRASH_REQUEST_H
#define DEBUGGERD_CRASH_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "socket-address.h"

/*
 * What is sent: 20 bytes in host order (little-endian on every CPU here), alike in 32- and 64-bit processes. Layout:
 * Android's debugger_msg_t of 6.0 and 7.x.
 */
struct debuggerd_request {
  int32_t action;
  int32_t tid;
  uint64_t abort_message_address;
  int32_t original_si_code;
} __attribute__((packed));

_Static_assert(sizeof(struct debuggerd_request) == 20, "the daemon reads 20 bytes");

enum debuggerd_action { DEBUGGERD_CRASH = 0, DEBUGGERD_DUMP_TOMBSTONE = 1, DEBUGGERD_DUMP_BACKTRACE = 2 };

/*
 * Returns when the daemon has attached: true; or when it has refused, is not there, or 10 seconds have passed. Runs in
 * the signal handler of a crashed thread.
 */
bool crash_request_send(const struct debuggerd_address *address, const struct debuggerd_request *request);

#endif
