/*
 * Sockets of strangers. A message on an AF_UNIX socket may bring descriptors (SCM_RIGHTS, unix(7)) that nobody asked
 * for, and whoever drops the last reference to one waits as long as its owner wants: a TCP socket with SO_LINGER and
 * unsent data, a FUSE file. The kernel drops them when the message is received without room for them, and when a socket
 * is closed with the message unread.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "args.h"
#include "bindings.h"
#include "result.h"
#include "syscalls.h"

static const int ON = 1, OFF = 0;

static napi_value refuse_rights(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t fd = value_fd(&args, args.at[0], "fd");
  if (args.failed) return NULL;
  int result = setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &OFF, sizeof OFF);
  /* EOPNOTSUPP: a socket that is not AF_UNIX. */
  if (result != 0 && errno != ENOPROTOOPT) return throw_system_error(env, errno, "setsockopt");
  return result_boolean(env, result == 0);
}

static napi_value takes_rights(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t fd = value_fd(&args, args.at[0], "fd");
  if (args.failed) return NULL;
  int on = 1;
  socklen_t length = sizeof on;
  if (getsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &on, &length) != 0 && errno != ENOPROTOOPT) {
    return throw_system_error(env, errno, "getsockopt");
  }
  /* Out of line, a message would be passed over by MSG_PEEK and dropped by the next read. */
  if (on && setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &ON, sizeof ON) != 0)
    return throw_system_error(env, errno, "setsockopt");
  return result_boolean(env, on != 0);
}

/* recvmsg that takes nothing but bytes; MSG_CTRUNC in *flags where something else was there. */
static ssize_t receive_plain(int fd, void *bytes, size_t length, int *flags) {
  struct iovec vector = {bytes, length};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  ssize_t count;
  do {
    count = recvmsg(fd, &message, *flags | MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  *flags = message.msg_flags;
  return count;
}

static napi_value receive_plain_bytes(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t fd = value_fd(&args, args.at[0], "fd");
  bool peek = value_boolean_or(&args, args.at[2], "peek", false);
  Bytes buffer = value_bytes(&args, args.at[1], "buffer", 1);
  if (args.failed) return NULL;
  /* A look takes no reference away: what is in the queue stays there. */
  int flags = MSG_PEEK;
  ssize_t count = receive_plain(fd, buffer.data, buffer.length, &flags);
  bool rights = count > 0 && (flags & MSG_CTRUNC);
  if (count > 0 && !rights && !peek) {
    /* Exactly what was seen: behind it may be what was not. */
    flags = 0;
    count = receive_plain(fd, buffer.data, (size_t)count, &flags);
  }
  if (count < 0 && errno == EAGAIN) return result_null(env);
  if (count < 0) return throw_system_error(env, errno, "recvmsg");
  return result_integer(env, rights && !peek ? -1 : count);
}

enum { DRAIN_BYTES = 64 * 1024, DRAIN_ROUNDS = 1024 };

static napi_value close_without_rights(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t fd = value_fd(&args, args.at[0], "fd");
  if (args.failed) return NULL;
  /* From here on the queue does not grow. ENOTCONN: the peer is gone, and sends nothing either. */
  if (shutdown(fd, SHUT_RD) != 0 && errno != ENOTCONN) return throw_system_error(env, errno, "shutdown");
  char *bytes = malloc(DRAIN_BYTES);
  bool clean = false;
  for (int round = 0; bytes && round < DRAIN_ROUNDS && !clean; round++) {
    int flags = MSG_PEEK;
    ssize_t count = receive_plain(fd, bytes, DRAIN_BYTES, &flags);
    if (flags & MSG_CTRUNC && count >= 0) break;
    /* A reset is told once, and the queue is behind it. */
    if (count < 0 && errno == ECONNRESET) continue;
    clean = count <= 0;
    flags = 0;
    if (count > 0 && receive_plain(fd, bytes, (size_t)count, &flags) < 0) break;
  }
  free(bytes);
  if (clean && close(fd) != 0) return throw_system_error(env, errno, "close");
  return result_boolean(env, clean);
}

const Export rights_exports[] = {
    {"refuseRights", refuse_rights},
    {"takesRights", takes_rights},
    {"receivePlain", receive_plain_bytes},
    {"closeWithoutRights", close_without_rights},
    {NULL, NULL},
};
