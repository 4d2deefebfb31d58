/* What an operator asks of the daemon, and how that went. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct request {
  bool backtrace; /* else a tombstone */
  pid_t tid;
  const char *socket; /* an abstract name, or a path that begins with / */
};

/* Why there is no answer: words for who explains it, in their order; a detail that there is not is empty. */
struct failure {
  const char *what; /* connect, owner, refused, late, unfinished, memory */
  char details[2][16];
};

/* The bytes behind the ack byte; to be freed. False: there is none. */
bool ask(const struct request *request, char **answer, size_t *length, struct failure *failure);
