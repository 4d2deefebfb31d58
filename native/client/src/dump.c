/* Asking the daemon for a report of a process. All functions here run in ordinary context. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "crash-request.h"
#include "debuggerd/client.h"

/* Closes `fd` and keeps errno. */
static int fail(int fd) {
  const int saved_errno = errno;
  if (fd >= 0) close(fd);
  errno = saved_errno;
  return -1;
}

/* read(2), again after a signal. */
static ssize_t read_some(int fd, void *buffer, size_t length) {
  ssize_t count;
  do {
    count = read(fd, buffer, length);
  } while (count < 0 && errno == EINTR);
  return count;
}

/*
 * Whether the daemon on the other side is root's or the caller's own. Any process can take an abstract name that is
 * free. A path belongs to who may write in its directory, and is never used unless it was named.
 */
static bool is_trusted(int fd, const struct debuggerd_address *address) {
  if (address->name.sun_path[0] != '\0') return true;
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return false;
  if (peer.uid == 0 || peer.uid == geteuid()) return true;
  errno = EPERM;
  return false;
}

/* A connection on which the daemon has acknowledged the request, or -1 with errno. */
static int ask(enum debuggerd_action action, pid_t tid, int seconds) {
  const struct debuggerd_address address = debuggerd_address_of_process(NULL);
  const struct debuggerd_request request = {.action = (int32_t)action, .tid = tid};
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;

  if (seconds > 0) {
    const struct timeval timeout = {.tv_sec = seconds};
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0) return fail(fd);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0) return fail(fd);
  }
  if (connect(fd, (const struct sockaddr *)&address.name, address.length) != 0) return fail(fd);
  if (!is_trusted(fd, &address)) return fail(fd);
  if (send(fd, &request, sizeof request, MSG_NOSIGNAL) != (ssize_t)sizeof request) return fail(fd);

  char acknowledgement;
  const ssize_t count = read_some(fd, &acknowledgement, 1);
  if (count == 1) return fd;
  /* A refusal is a close without a byte; with the request unread the kernel calls it a reset. */
  if (count == 0 || errno == ECONNRESET) errno = EACCES;
  return fail(fd);
}

int debuggerd_dump_tombstone_timeout(pid_t tid, char *path, size_t length, int seconds) {
  if (path == NULL || length == 0) {
    errno = EINVAL;
    return -1;
  }
  const int fd = ask(DEBUGGERD_DUMP_TOMBSTONE, tid, seconds);
  if (fd < 0) return -1;

  size_t used = 0;
  ssize_t count = 0;
  while (used < length && (count = read_some(fd, path + used, length - used)) > 0) used += (size_t)count;
  path[used < length ? used : length - 1] = '\0';
  if (count < 0) return fail(fd);
  if (used == length || used == 0) {
    errno = used == 0 ? EIO : ENAMETOOLONG;
    return fail(fd);
  }
  close(fd);
  return 0;
}

int debuggerd_dump_tombstone(pid_t tid, char *path, size_t length) {
  return debuggerd_dump_tombstone_timeout(tid, path, length, 0);
}

/* Writes all, or returns false with errno. */
static bool write_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    const ssize_t count = write(fd, bytes, length);
    if (count < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    bytes += count;
    length -= (size_t)count;
  }
  return true;
}

int debuggerd_dump_backtrace_to_file_timeout(pid_t tid, int fd, int seconds) {
  const int from = ask(DEBUGGERD_DUMP_BACKTRACE, tid, seconds);
  if (from < 0) return -1;

  char buffer[4096];
  bool any = false;
  ssize_t count;
  while ((count = read_some(from, buffer, sizeof buffer)) > 0) {
    any = true;
    if (!write_all(fd, buffer, (size_t)count)) return fail(from);
  }
  if (count < 0) return fail(from);
  if (!any) {
    errno = EIO;
    return fail(from);
  }
  close(from);
  return 0;
}

int debuggerd_dump_backtrace_to_file(pid_t tid, int fd) { return debuggerd_dump_backtrace_to_file_timeout(tid, fd, 0); }
