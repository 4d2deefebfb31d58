#include "reserved-descriptor.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "raw-socket.h"

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif
#if defined(__NR_fcntl64)
#define RAW_FCNTL __NR_fcntl64
#else
#define RAW_FCNTL __NR_fcntl
#endif

enum {
  /*
   * Above what is handed on by number (bash's 255 apart), below what makes the kernel's table of this process larger
   * than 256 entries.
   */
  NUMBER = 240,
  /* A program that is given fewer descriptors needs them all. */
  FEWEST = 32,
};

/* -1 while there is none. */
static int reserved = -1;
/* What the kernel knows it by. */
static uint64_t known;

static uint64_t cookie_of(int fd) {
  uint64_t cookie = 0;
  unsigned length = sizeof cookie;
  return raw_getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) == 0 ? cookie : 0;
}

void reserved_descriptor_begin(void) {
  unsigned long limit[2];
  if (raw_syscall2(RAW_GETRLIMIT, RLIMIT_NOFILE, limit) != 0 || limit[0] < FEWEST) return;
  const long opened = raw_socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC);
  if (opened < 0) return;
  const long least = limit[0] > NUMBER ? NUMBER : (long)limit[0] - 1;
  const long fd = raw_syscall3(RAW_FCNTL, opened, F_DUPFD_CLOEXEC, least);
  raw_syscall1(__NR_close, opened);
  if (fd < 0) return;
  known = cookie_of((int)fd);
  if (known != 0) reserved = (int)fd;
  else raw_syscall1(__NR_close, fd);
}

int reserved_descriptor_take(void) {
  const int fd = __atomic_exchange_n(&reserved, -1, __ATOMIC_ACQ_REL);
  return fd >= 0 && cookie_of(fd) == known ? fd : -1;
}
