/* Where the daemon listens, as connect(2) takes it. */
#ifndef DEBUGGERD_SOCKET_ADDRESS_H
#define DEBUGGERD_SOCKET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

struct debuggerd_address {
  struct sockaddr_un name;
  /* Bytes of `name` that count: an abstract name ends where the length says, not at a NUL (unix(7)). */
  socklen_t length;
};

/*
 * The address for `value`, the content of DEBUGGERD_SOCKET or null. A value that is empty or longer than 107 bytes, and
 * any value when `secure` is set, is passed over for the default name. Pure; ordinary context.
 */
struct debuggerd_address debuggerd_address_for(const char *value, bool secure);

/*
 * The same for this process's environment. `environment` is used where libc has not set its own yet. Ordinary context.
 */
struct debuggerd_address debuggerd_address_of_process(char *const *environment);

#endif
