/*
 * The command `debuggerd`. A request for a backtrace or a tombstone is made here: Node's start takes longer than the
 * answer. Everything else, and what is to be said of a request that failed, is Node's: ../lib/debuggerd.cjs, seen from
 * this program.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "request.h"
#include "shown-text.h"

static const char default_socket[] = "android:debuggerd";
static const char script[] = "/../lib/debuggerd.cjs";

enum { UNAVAILABLE = 127, TID_DIGITS = 7 };

/* Replaces this process by Node with `arguments`, the first of which is left out. */
static int run_node(char *const *arguments) {
  char path[PATH_MAX + sizeof script];
  const ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
  if (length <= 0 || length >= PATH_MAX) {
    fprintf(stderr, "debuggerd: cannot find its own place: /proc/self/exe: %s\n", strerror(errno));
    return UNAVAILABLE;
  }
  path[length] = '\0';
  char *const slash = strrchr(path, '/');
  memcpy(slash == NULL ? path : slash, script, sizeof script);

  size_t count = 0;
  while (arguments[count] != NULL) count++;
  const char **words = calloc(count + 2, sizeof *words);
  if (words == NULL) return UNAVAILABLE;
  words[0] = "node";
  words[1] = path;
  for (size_t i = 1; i < count; i++) words[i + 1] = arguments[i];
  execvp("node", (char **)words);
  if (errno == ENOENT) fputs("debuggerd: there is no node in PATH; install Node.js 20 or later\n", stderr);
  else fprintf(stderr, "debuggerd: cannot run node: %s\n", strerror(errno));
  return UNAVAILABLE;
}

/* A number from 1 to 2^22, the kernel's largest thread id (proc(5), pid_max); 0 for anything else. */
static pid_t thread_id(const char *word) {
  const size_t digits = strspn(word, "0123456789");
  if (digits == 0 || digits > TID_DIGITS || word[digits] != '\0') return 0;
  const long tid = strtol(word, NULL, 10);
  return tid <= 4194304 ? (pid_t)tid : 0;
}

/* [-b] [--socket NAME] TID in any order, and nothing else. */
static bool is_request(int argc, char **argv, struct request *request) {
  const char *const preset = getenv("DEBUGGERD_SOCKET");
  request->socket = preset != NULL && preset[0] != '\0' ? preset : default_socket;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "-b") == 0 || strcmp(argv[i], "--backtrace") == 0) {
      request->backtrace = true;
    } else if (strcmp(argv[i], "--socket") == 0) {
      if (++i == argc || argv[i][0] == '-' || argv[i][0] == '\0') return false;
      request->socket = argv[i];
    } else if (request->tid != 0 || (request->tid = thread_id(argv[i])) == 0) {
      return false;
    }
  }
  return request->tid != 0 && strlen(request->socket) < sizeof((struct sockaddr_un *)0)->sun_path;
}

/* False where nobody reads any more, or it cannot be written. */
static bool write_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    const ssize_t count = write(fd, bytes, length);
    if (count < 0 && errno == EAGAIN) {
      struct pollfd room = {.fd = fd, .events = POLLOUT};
      poll(&room, 1, -1);
    } else if (count < 0 && errno != EINTR) {
      return false;
    } else if (count > 0) {
      bytes += count;
      length -= (size_t)count;
    }
  }
  return true;
}

/*
 * For a terminal without what rules one: names of threads and files are in it, and whoever chose those is not the
 * operator.
 */
static int print(int fd, const char *answer, size_t length, bool always_shown) {
  char *shown = NULL;
  if (always_shown || isatty(fd)) {
    shown = shown_text(answer, length, &length);
    if (shown == NULL) {
      fputs("debuggerd: there is no memory to show the answer\n", stderr);
      return 1;
    }
  }
  bool done = write_all(fd, shown == NULL ? answer : shown, length);
  /* The reader has seen enough (head, less). */
  if (!done && errno == EPIPE) done = true;
  if (!done) fprintf(stderr, "debuggerd: cannot write: %s\n", strerror(errno));
  free(shown);
  return done ? 0 : 1;
}

static int explain(const struct request *request, struct failure *failure) {
  char tid[16];
  snprintf(tid, sizeof tid, "%d", request->tid);
  char *const words[] = {
      "debuggerd",    "--failed-request", request->backtrace ? "backtrace" : "tombstone", tid, (char *)request->socket,
      (char *)failure->what, failure->details[0], failure->details[1], NULL,
  };
  return run_node(words);
}

static int make_request(const struct request *request) {
  char line[64];
  const int sending = snprintf(line, sizeof line, "Sending request to dump task %d.\n", request->tid);
  void (*const before)(int) = signal(SIGPIPE, SIG_IGN);
  write_all(STDOUT_FILENO, line, (size_t)sending);
  char *answer;
  size_t length;
  struct failure failure = {.what = ""};
  if (!ask(request, &answer, &length, &failure)) {
    signal(SIGPIPE, before);
    return explain(request, &failure);
  }
  int status;
  if (request->backtrace) {
    status = print(STDOUT_FILENO, answer, length, false);
  } else {
    static const char written[] = "Tombstone written to: ";
    write_all(STDERR_FILENO, written, sizeof written - 1);
    status = print(STDERR_FILENO, answer, length, true);
    write_all(STDERR_FILENO, "\n", 1);
  }
  free(answer);
  return status;
}

int main(int argc, char **argv) {
  struct request request = {.tid = 0};
  return is_request(argc, argv, &request) ? make_request(&request) : run_node(argv);
}
