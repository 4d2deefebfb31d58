/*
 * One request over the daemon's socket. src/wire/request.ts describes the bytes; src/wire/request-client.ts is the same
 * client in TypeScript, and says why each step is as it is. test/wire/answers.ts is the table of answers that both are
 * tested with.
 */
#include "request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "crash-request.h"
#include "socket-address.h"

/* ANSWER_TIMEOUT_MS and SEND_TIMEOUT_MS of src/wire/request-client.ts. */
enum { ANSWER_SECONDS = 90, SEND_SECONDS = 5 };

/* A backtrace of thousands of threads is some megabytes; a daemon that sends more without end is cut off. */
static const size_t most = (size_t)256 << 20;
static const size_t first_room = (size_t)256 << 10;

static bool fail(struct failure *failure, const char *what) {
  failure->what = what;
  return false;
}

static bool connect_to(int fd, const char *name, struct failure *failure) {
  const struct debuggerd_address address = debuggerd_address_for(name, false);
  const struct timeval receive = {.tv_sec = ANSWER_SECONDS}, send = {.tv_sec = SEND_SECONDS};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &receive, sizeof receive);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send, sizeof send);
  if (connect(fd, (const struct sockaddr *)&address.name, address.length) != 0) {
    snprintf(failure->details[0], sizeof failure->details[0], "%d", errno);
    return fail(failure, "connect");
  }
  if (name[0] == '/') return true;
  /* isTrustedDaemon of src/wire/request-client.ts. */
  struct ucred peer = {.uid = (uid_t)-1};
  socklen_t length = sizeof peer;
  getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length);
  if (peer.uid == 0 || peer.uid == geteuid()) return true;
  snprintf(failure->details[0], sizeof failure->details[0], "%u", peer.uid);
  snprintf(failure->details[1], sizeof failure->details[1], "%d", peer.pid);
  return fail(failure, "owner");
}

/* All that comes until the end, at most `most` bytes. */
static bool receive_all(int fd, char **bytes, size_t *length, struct failure *failure) {
  size_t room = 0;
  *length = 0;
  *bytes = NULL;
  while (*length < most) {
    if (room - *length < first_room / 2) {
      room = room == 0 ? first_room : 2 * room;
      char *const more = realloc(*bytes, room);
      if (more == NULL) return fail(failure, "memory");
      *bytes = more;
    }
    const ssize_t count = recv(fd, *bytes + *length, room - *length, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(failure, errno == EAGAIN ? "late" : *length == 0 ? "refused" : "unfinished");
    if (count == 0) break;
    *length += (size_t)count;
    if ((*bytes)[0] != 0) break;
  }
  if (*length == 0 || (*bytes)[0] != 0) return fail(failure, "refused");
  return *length > 1 || fail(failure, "unfinished");
}

static bool ask_over(int fd, const struct request *request, char **answer, size_t *length, struct failure *failure) {
  if (!connect_to(fd, request->socket, failure)) return false;
  const struct debuggerd_request message = {
      .action = request->backtrace ? DEBUGGERD_DUMP_BACKTRACE : DEBUGGERD_DUMP_TOMBSTONE,
      .tid = request->tid,
  };
  /* A refusal may come before the request was read: the socket is reset then. */
  if (send(fd, &message, sizeof message, MSG_NOSIGNAL) != (ssize_t)sizeof message) return fail(failure, "refused");
  char *bytes;
  const bool done = receive_all(fd, &bytes, length, failure);
  if (done) memmove(bytes, bytes + 1, --*length);
  else free(bytes);
  *answer = done ? bytes : NULL;
  return done;
}

bool ask(const struct request *request, char **answer, size_t *length, struct failure *failure) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    snprintf(failure->details[0], sizeof failure->details[0], "%d", errno);
    return fail(failure, "connect");
  }
  const bool done = ask_over(fd, request, answer, length, failure);
  close(fd);
  return done;
}
