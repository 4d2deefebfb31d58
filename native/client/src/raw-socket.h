/*
 * The socket calls that the signal handler makes, without libc (see raw-syscall.h). Run in any context.
 *
 * i386 had only the multiplexed socketcall(2) before Linux 4.3, and still has it: it is used there.
 */
#ifndef DEBUGGERD_RAW_SOCKET_H
#define DEBUGGERD_RAW_SOCKET_H

#include <stddef.h>

#include "raw-syscall.h"

#if defined(__i386__)

/* Call numbers: linux/net.h. */
enum { RAW_SOCKET = 1, RAW_CONNECT = 3, RAW_SEND = 9, RAW_SETSOCKOPT = 14, RAW_GETSOCKOPT = 15 };

static inline long raw_socketcall(int call, long a, long b, long c, long d, long e, long f) {
  long arguments[6] = {a, b, c, d, e, f};
  return raw_syscall2(__NR_socketcall, call, arguments);
}

static inline long raw_socket(int family, int type) { return raw_socketcall(RAW_SOCKET, family, type, 0, 0, 0, 0); }

static inline long raw_connect(int fd, const void *address, unsigned length) {
  return raw_socketcall(RAW_CONNECT, fd, (long)address, (long)length, 0, 0, 0);
}

static inline long raw_send(int fd, const void *data, size_t length, int flags) {
  return raw_socketcall(RAW_SEND, fd, (long)data, (long)length, flags, 0, 0);
}

static inline long raw_setsockopt(int fd, int level, int option, const void *value, unsigned length) {
  return raw_socketcall(RAW_SETSOCKOPT, fd, level, option, (long)value, (long)length, 0);
}

static inline long raw_getsockopt(int fd, int level, int option, void *value, unsigned *length) {
  return raw_socketcall(RAW_GETSOCKOPT, fd, level, option, (long)value, (long)length, 0);
}

#else

static inline long raw_socket(int family, int type) { return raw_syscall3(__NR_socket, family, type, 0); }

static inline long raw_connect(int fd, const void *address, unsigned length) {
  return raw_syscall3(__NR_connect, fd, address, length);
}

#if defined(__arm__)
static inline long raw_send(int fd, const void *data, size_t length, int flags) {
  return raw_syscall4(__NR_send, fd, data, length, flags);
}
#else
/*
 * There is no send(2) here but sendto(2), whose sixth argument (no address: its length is not looked at) is left
 * undefined.
 */
static inline long raw_send(int fd, const void *data, size_t length, int flags) {
  return raw_syscall5(__NR_sendto, fd, (long)data, (long)length, flags, 0);
}
#endif

static inline long raw_setsockopt(int fd, int level, int option, const void *value, unsigned length) {
  return raw_syscall5(__NR_setsockopt, fd, level, option, (long)value, (long)length);
}

static inline long raw_getsockopt(int fd, int level, int option, void *value, unsigned *length) {
  return raw_syscall5(__NR_getsockopt, fd, level, option, (long)value, (long)length);
}

#endif

#endif
