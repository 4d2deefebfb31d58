/* All functions here run in the signal handler of a crashed thread, with every signal blocked. */
#include "crash-request.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "permitted-calls.h"
#include "raw-socket.h"
#include "raw-syscall.h"
#include "reserved-descriptor.h"

/*
 * The kernel's struct timeval and timespec where a long is as wide as a time: the layouts of the system calls used
 * here.
 */
struct two_longs {
  long seconds;
  long fraction;
};

/* /proc/sys/kernel/overflowuid: what ids are shown as that have no mapping here (user_namespaces(7)). */
enum { LONGEST_WAIT_SECONDS = 10, OVERFLOW_UID = 65534 };

/* SO_RCVTIMEO and SO_SNDTIMEO with two_longs; the C library's may be those with 64-bit times (asm-generic/socket.h). */
enum { RECEIVE_TIMEOUT = 20, SEND_TIMEOUT = 21 };

static long monotonic_seconds(void) {
  struct two_longs now = {0, 0};
  raw_syscall2(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, &now);
  return now.seconds;
}

static long new_socket(void) { return raw_socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC); }

/*
 * A process that ran out of descriptors crashes of that. Where it has no reserved one any more, its soft limit is
 * raised within its hard one for the time of the call.
 */
static long open_socket(void) {
  const long fd = new_socket();
  if (fd != -EMFILE && fd != -ENFILE) return fd;
  const int reserved = reserved_descriptor_take();
  if (reserved >= 0) return reserved;
  unsigned long limit[2];
  if (!permitted(CALL_LIMIT) || raw_syscall2(RAW_GETRLIMIT, RLIMIT_NOFILE, limit) != 0 || limit[0] >= limit[1])
    return fd;
  limit[0]++;
  if (raw_syscall2(__NR_setrlimit, RLIMIT_NOFILE, limit) != 0) return fd;
  const long above = new_socket();
  limit[0]--;
  raw_syscall2(__NR_setrlimit, RLIMIT_NOFILE, limit);
  return above;
}

/*
 * Where Yama restricts ptrace to ancestors (ptrace(2), /proc/sys/kernel/yama/ptrace_scope), the daemon and its children
 * are declared as tracers: before the request is sent, since they attach as soon as they have read it. Only a daemon of
 * root or of this user: any process may own the name that was connected to. The process is not made dumpable: root
 * attaches without it, and from others a process that gave it up keeps its memory even in a crash.
 * False: the listener is this very process, which cannot serve now; or a stranger, whom nobody should wait for. A root
 * outside of this user namespace is shown as OVERFLOW_UID, and is no stranger.
 */
static bool admit_tracer(int fd) {
  struct {
    int pid;
    unsigned uid;
    unsigned gid;
  } peer;
  unsigned length = sizeof peer;
  if (raw_getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || length != sizeof peer) return true;
  if (peer.pid == raw_getpid()) return false;
  const unsigned own = (unsigned)raw_syscall0(RAW_GETEUID);
  if (peer.uid != 0 && peer.uid != own && peer.uid != OVERFLOW_UID) return false;
  /* Pid 0: a daemon outside of this pid namespace. */
  if (peer.pid > 0 && permitted(CALL_TRACER) && (peer.uid == 0 || peer.uid == own)) {
    raw_syscall5(__NR_prctl, PR_SET_PTRACER, peer.pid, 0, 0, 0);
  }
  return true;
}

/* The daemon writes one byte when it has attached, or closes. */
static bool await_acknowledgement(int fd) {
  const long deadline = monotonic_seconds() + LONGEST_WAIT_SECONDS;
  char byte;
  long count;
  /* The attach itself interrupts the read: with a timeout set it is not restarted (signal(7)). */
  do {
    count = raw_syscall3(__NR_read, fd, &byte, 1);
  } while (count == -EINTR && monotonic_seconds() < deadline);
  return count == 1;
}

static long connect_to(int fd, const struct debuggerd_address *address) {
  /* The first bounds connect too: it waits while the listener's queue is full (socket(7)). */
  const struct two_longs timeout = {LONGEST_WAIT_SECONDS, 0};
  raw_setsockopt(fd, SOL_SOCKET, SEND_TIMEOUT, &timeout, sizeof timeout);
  raw_setsockopt(fd, SOL_SOCKET, RECEIVE_TIMEOUT, &timeout, sizeof timeout);

  long connected;
  const long deadline = monotonic_seconds() + LONGEST_WAIT_SECONDS;
  do {
    connected = raw_connect(fd, &address->name, address->length);
  } while (connected == -EINTR && monotonic_seconds() < deadline);
  return connected;
}

bool crash_request_send(const struct debuggerd_address *address, const struct debuggerd_request *request) {
  long fd = open_socket();
  if (fd < 0) return false;
  long connected = connect_to((int)fd, address);
  if (connected == -EISCONN) {
    /* The reserved one, which a relative has used: its place is free for another. */
    raw_syscall1(__NR_close, fd);
    fd = new_socket();
    if (fd < 0) return false;
    connected = connect_to((int)fd, address);
  }
  const bool acknowledged = connected == 0 && admit_tracer((int)fd) &&
                            raw_send((int)fd, request, sizeof *request, MSG_NOSIGNAL) == (long)sizeof *request &&
                            await_acknowledgement((int)fd);
  raw_syscall1(__NR_close, fd);
  return acknowledged;
}
