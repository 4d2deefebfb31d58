/* AF_UNIX sockets: made, connected, accepted, asked who the peer is. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "bindings.h"
#include "result.h"
#include "syscalls.h"

/* Longest timeout, in milliseconds. */
#define LONGEST 2147483647.0

static int value_socket_type(Args *args, napi_value value) {
  char name[16];
  value_string(args, value, "type", name, sizeof name);
  if (args->failed) return 0;
  if (!strcmp(name, "stream")) return SOCK_STREAM;
  if (!strcmp(name, "seqpacket")) return SOCK_SEQPACKET;
  if (!strcmp(name, "dgram")) return SOCK_DGRAM;
  args_value_error(args, "type", "'stream', 'seqpacket' or 'dgram'");
  return 0;
}

/* Returns the exact length for bind and connect: an abstract name is what the length says, a path ends with its NUL. */
static socklen_t value_unix_address(Args *args, napi_value value, struct sockaddr_un *address) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  value_object(args, value, "address");
  napi_value abstract = value_property(args, value, "abstract");
  napi_value path = value_property(args, value, "path");
  if (args->failed) return 0;
  bool is_abstract = value_given(args, abstract);
  if (is_abstract == value_given(args, path)) {
    args_type_error(args, "address", "{ abstract } or { path }");
    return 0;
  }
  char name[sizeof address->sun_path];
  size_t length = value_name(args, is_abstract ? abstract : path, "address", is_abstract, name, sizeof name);
  if (args->failed) return 0;
  memcpy(address->sun_path + is_abstract, name, length);
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
}

static void close_keeping_errno(int fd) {
  int saved = errno;
  close(fd);
  errno = saved;
}

/*
 * Widens the mode of a socket that was just bound with a narrower one. The descriptor makes sure that what is changed
 * is a socket and no link's target. */
static int widen_mode(const char *path, mode_t mode) {
  int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return -1;
  struct stat status;
  /* Raw: the wrapper's symbol is younger than the libc of Node 20. */
  int result = (int)syscall(SYS_fstat, fd, &status);
  if (result == 0 && !S_ISSOCK(status.st_mode)) {
    errno = EEXIST;
    result = -1;
  }
  if (result == 0) {
    char own[32];
    snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
    result = chmod(own, mode);
  }
  close_keeping_errno(fd);
  return result;
}

static napi_value listen_unix(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int type = value_socket_type(&args, args.at[0]);
  struct sockaddr_un address;
  socklen_t length = value_unix_address(&args, args.at[1], &address);
  int64_t backlog = 128, mode = -1;
  bool non_blocking = true, rights = true;
  if (value_given(&args, args.at[2])) {
    value_object(&args, args.at[2], "options");
    backlog = value_integer_or(&args, value_property(&args, args.at[2], "backlog"), "options.backlog", 0, INT32_MAX,
                               backlog);
    mode = value_integer_or(&args, value_property(&args, args.at[2], "mode"), "options.mode", 0, 0777, mode);
    non_blocking = value_boolean_or(&args, value_property(&args, args.at[2], "nonBlocking"), "options.nonBlocking",
                                    true);
    rights = value_boolean_or(&args, value_property(&args, args.at[2], "passRights"), "options.passRights", true);
  }
  if (args.failed) return NULL;
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | (non_blocking ? SOCK_NONBLOCK : 0), 0);
  if (fd < 0) return throw_system_error(env, errno, "socket");
  const char *syscall_name = "setsockopt";
  /* Before anybody can connect: who connects earlier has a socket that takes them. */
  int pass = 0;
  if (!rights && setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &pass, sizeof pass) != 0 && errno != ENOPROTOOPT)
    goto failed;
  syscall_name = "fchmod";
  bool is_path = address.sun_path[0] != 0;
  /* The mode of an unbound socket's inode, less the umask, becomes the path's: it is never wider than asked for. */
  if (is_path && mode >= 0 && fchmod(fd, (mode_t)mode) != 0) goto failed;
  syscall_name = "bind";
  if (bind(fd, (struct sockaddr *)&address, length) != 0) goto failed;
  syscall_name = "chmod";
  if (is_path && mode >= 0 && widen_mode(address.sun_path, (mode_t)mode) != 0) goto failed;
  syscall_name = "listen";
  if (type != SOCK_DGRAM && listen(fd, (int)backlog) != 0) goto failed;
  return result_integer(env, fd);
failed:
  close_keeping_errno(fd);
  return throw_system_error(env, errno, syscall_name);
}

static double now_milliseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static int set_timeout(int fd, int option, double milliseconds) {
  /* Zero means "none": what is asked for and not zero stays above it. */
  int64_t micros = (int64_t)ceil(milliseconds * 1e3);
  struct timeval time = {.tv_sec = micros / 1000000, .tv_usec = micros % 1000000};
  return setsockopt(fd, SOL_SOCKET, option, &time, sizeof time);
}

/* connect that waits at most `timeout` milliseconds for room in the backlog; negative: without limit. 0 or an errno. */
static int connect_within(int fd, const struct sockaddr_un *address, socklen_t length, double timeout) {
  double end = now_milliseconds() + timeout;
  for (;;) {
    if (timeout > 0) {
      double left = end - now_milliseconds();
      if (left <= 0) return ETIMEDOUT;
      if (set_timeout(fd, SO_SNDTIMEO, left) != 0) return errno;
    }
    if (connect(fd, (const struct sockaddr *)address, length) == 0) break;
    if (errno == EINTR) continue;
    return errno == EAGAIN ? ETIMEDOUT : errno;
  }
  return timeout > 0 && set_timeout(fd, SO_SNDTIMEO, 0) != 0 ? errno : 0;
}

static int set_nonblocking(int fd, bool on) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -1;
  return fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

static napi_value connect_unix(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int type = value_socket_type(&args, args.at[0]);
  struct sockaddr_un address;
  socklen_t length = value_unix_address(&args, args.at[1], &address);
  double timeout = -1;
  bool non_blocking = false;
  if (value_given(&args, args.at[2])) {
    value_object(&args, args.at[2], "options");
    napi_value limit = value_property(&args, args.at[2], "timeoutMs");
    if (value_given(&args, limit)) timeout = value_double(&args, limit, "options.timeoutMs", LONGEST);
    non_blocking = value_boolean_or(&args, value_property(&args, args.at[2], "nonBlocking"), "options.nonBlocking",
                                    false);
  }
  if (args.failed) return NULL;
  bool once = timeout == 0;
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | (once ? SOCK_NONBLOCK : 0), 0);
  if (fd < 0) return throw_system_error(env, errno, "socket");
  int error = connect_within(fd, &address, length, timeout);
  if (!error && once != non_blocking && set_nonblocking(fd, non_blocking) != 0) error = errno;
  if (!error) return result_integer(env, fd);
  close(fd);
  return throw_system_error(env, error, "connect");
}

static napi_value accept_unix(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t listener = value_fd(&args, args.at[0], "fd");
  bool non_blocking = value_boolean_or(&args, args.at[1], "nonBlocking", true);
  if (args.failed) return NULL;
  int fd;
  do {
    fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | (non_blocking ? SOCK_NONBLOCK : 0));
  } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (fd < 0 && errno == EAGAIN) return result_null(env);
  return result_fd(env, fd, "accept4");
}

static napi_value socket_pair(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int type = value_socket_type(&args, args.at[0]);
  bool non_blocking = value_boolean_or(&args, args.at[1], "nonBlocking", false);
  if (args.failed) return NULL;
  int pair[2];
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC | (non_blocking ? SOCK_NONBLOCK : 0), 0, pair) != 0) {
    return throw_system_error(env, errno, "socketpair");
  }
  return result_pair(env, pair[0], pair[1]);
}

static napi_value peer_credentials(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t fd = value_fd(&args, args.at[0], "fd");
  if (args.failed) return NULL;
  struct ucred credentials;
  socklen_t length = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
    return throw_system_error(env, errno, "getsockopt");
  napi_value result = NULL;
  if (napi_create_object(env, &result) != napi_ok) return NULL;
  set_integer(env, result, "pid", credentials.pid);
  set_integer(env, result, "uid", credentials.uid);
  set_integer(env, result, "gid", credentials.gid);
  return result;
}

static napi_value peer_pidfd(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t fd = value_fd(&args, args.at[0], "fd");
  if (args.failed) return NULL;
  int pidfd = -1;
  socklen_t length = sizeof pidfd;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &length) == 0) return result_integer(env, pidfd);
  /* ENODATA: a socket without a peer. EINVAL: kernels before 6.16 for a peer that has been reaped. */
  if (errno == ENOPROTOOPT || errno == EINVAL || errno == ENODATA) return result_null(env);
  return throw_system_error(env, errno, "getsockopt");
}

static napi_value set_flag(napi_env env, napi_callback_info info, int option, bool optional) {
  Args args;
  args_read(&args, env, info);
  int32_t fd = value_fd(&args, args.at[0], "fd");
  int on = value_boolean(&args, args.at[1], "on");
  if (args.failed) return NULL;
  int result = setsockopt(fd, SOL_SOCKET, option, &on, sizeof on);
  if (!optional) return result_done(env, result, "setsockopt");
  if (result != 0 && errno != ENOPROTOOPT) return throw_system_error(env, errno, "setsockopt");
  return result_boolean(env, result == 0);
}

static napi_value set_pass_credentials(napi_env env, napi_callback_info info) {
  return set_flag(env, info, SO_PASSCRED, false);
}

static napi_value set_pass_pidfd(napi_env env, napi_callback_info info) {
  return set_flag(env, info, SO_PASSPIDFD, true);
}

static napi_value set_timeouts(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t fd = value_fd(&args, args.at[0], "fd");
  value_object(&args, args.at[1], "timeouts");
  napi_value receive = value_property(&args, args.at[1], "receiveMs");
  napi_value send = value_property(&args, args.at[1], "sendMs");
  double receive_ms = value_given(&args, receive) ? value_double(&args, receive, "timeouts.receiveMs", LONGEST) : -1;
  double send_ms = value_given(&args, send) ? value_double(&args, send, "timeouts.sendMs", LONGEST) : -1;
  if (args.failed) return NULL;
  if (receive_ms >= 0 && set_timeout(fd, SO_RCVTIMEO, receive_ms) != 0)
    return throw_system_error(env, errno, "setsockopt");
  if (send_ms >= 0 && set_timeout(fd, SO_SNDTIMEO, send_ms) != 0) return throw_system_error(env, errno, "setsockopt");
  return NULL;
}

static int set_buffer_size(int fd, int forced, int option, int64_t size) {
  int bytes = (int)size;
  if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) == 0) return 0;
  return errno == EPERM ? setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes) : -1;
}

static napi_value set_buffer_sizes(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t fd = value_fd(&args, args.at[0], "fd");
  value_object(&args, args.at[1], "sizes");
  napi_value receive_size = value_property(&args, args.at[1], "receive");
  napi_value send_size = value_property(&args, args.at[1], "send");
  int64_t receive = value_integer_or(&args, receive_size, "sizes.receive", 0, INT32_MAX / 2, -1);
  int64_t send = value_integer_or(&args, send_size, "sizes.send", 0, INT32_MAX / 2, -1);
  if (args.failed) return NULL;
  if ((receive >= 0 && set_buffer_size(fd, SO_RCVBUFFORCE, SO_RCVBUF, receive) != 0) ||
      (send >= 0 && set_buffer_size(fd, SO_SNDBUFFORCE, SO_SNDBUF, send) != 0)) {
    return throw_system_error(env, errno, "setsockopt");
  }
  return NULL;
}

static napi_value shutdown_socket(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t fd = value_fd(&args, args.at[0], "fd");
  char name[8];
  value_string(&args, args.at[1], "how", name, sizeof name);
  if (args.failed) return NULL;
  int how = !strcmp(name, "read") ? SHUT_RD : !strcmp(name, "write") ? SHUT_WR : !strcmp(name, "both") ? SHUT_RDWR : -1;
  if (how < 0) {
    args_value_error(&args, "how", "'read', 'write' or 'both'");
    return NULL;
  }
  return result_done(env, shutdown(fd, how), "shutdown");
}

const Export socket_exports[] = {
    {"listenUnix", listen_unix},
    {"connectUnix", connect_unix},
    {"acceptUnix", accept_unix},
    {"socketPair", socket_pair},
    {"peerCredentials", peer_credentials},
    {"peerPidfd", peer_pidfd},
    {"setPassCredentials", set_pass_credentials},
    {"setPassPidfd", set_pass_pidfd},
    {"setTimeouts", set_timeouts},
    {"setBufferSizes", set_buffer_sizes},
    {"shutdown", shutdown_socket},
    {NULL, NULL},
};
