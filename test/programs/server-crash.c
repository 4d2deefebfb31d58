/*
 * A small server with a bug: a worker parses a request whose header has no value, and the code that reads the length
 * looks at the missing value: SIGSEGV, the fault address the offset of a field in a null structure (0x10 in 64-bit
 * programs, 0x8 in 32-bit ones).
 *   server-crash [REQUEST]   default: "GET /index.html\nContent-Length\n"
 * Threads: main, "acceptor", "worker-1" to "worker-3"; worker-2 gets the request when the others sleep. Prints "pid N".
 * Frames of worker-2: read_content_length, parse_headers, handle_request, run_worker, (libc); of the other workers:
 * (libc's condition wait), next_request, run_worker; acceptor: (libc's read), accept_loop; main: (libc's join), main.
 */
#include "program.h"

#include <pthread.h>

enum { WORKERS = 3, UNLUCKY = 2 };

struct value {
  const char *start;
  const char *end;
  volatile size_t length;
};

struct header {
  const char *name;
  struct value *value;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wanted = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t started;
static const char *request;
static int served_by;
static int connections[2];
static volatile pid_t tids[WORKERS + 2];

FRAME size_t read_content_length(const struct header *header) {
  const size_t length = header->value->length;
  KEEP_FRAME();
  return length;
}

FRAME size_t parse_headers(char *text) {
  size_t total = 0;
  char *rest = NULL;
  strtok_r(text, "\n", &rest);
  for (char *line = strtok_r(NULL, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    struct value value;
    struct header header = {.name = line, .value = NULL};
    char *colon = strchr(line, ':');
    if (colon != NULL) {
      *colon = '\0';
      value = (struct value){colon + 1, line + strlen(line), strlen(colon + 1)};
      header.value = &value;
    }
    if (strcmp(header.name, "Content-Length") == 0) total += read_content_length(&header);
  }
  return total;
}

FRAME size_t handle_request(const char *text) {
  char copy[512];
  snprintf(copy, sizeof copy, "%s", text);
  const size_t total = parse_headers(copy);
  KEEP_FRAME();
  return total;
}

FRAME const char *next_request(int number) {
  pthread_mutex_lock(&lock);
  while (request == NULL || served_by != number) pthread_cond_wait(&wanted, &lock);
  const char *mine = request;
  request = NULL;
  pthread_mutex_unlock(&lock);
  return mine;
}

FRAME void *run_worker(void *argument) {
  const int number = (int)(size_t)argument;
  char name[16];
  snprintf(name, sizeof name, "worker-%d", number);
  pthread_setname_np(pthread_self(), name);
  pthread_barrier_wait(&started);
  tids[number] = thread_id();
  const size_t total = handle_request(next_request(number));
  return (void *)total;
}

FRAME void *accept_loop(void *unused) {
  (void)unused;
  char byte;
  pthread_setname_np(pthread_self(), "acceptor");
  pthread_barrier_wait(&started);
  tids[0] = thread_id();
  while (read(connections[0], &byte, 1) != 0) continue;
  KEEP_FRAME();
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t acceptor, workers[WORKERS + 1];
  if (pipe(connections) != 0) return 2;
  pthread_barrier_init(&started, NULL, WORKERS + 2);
  if (pthread_create(&acceptor, NULL, accept_loop, NULL) != 0) return 2;
  for (int number = 1; number <= WORKERS; number++) {
    if (pthread_create(&workers[number], NULL, run_worker, (void *)(size_t)number) != 0) return 2;
  }
  pthread_barrier_wait(&started);
  for (int slot = 0; slot <= WORKERS; slot++) await_blocked(&tids[slot]);
  say("pid %d", (int)getpid());

  pthread_mutex_lock(&lock);
  request = argc > 1 ? argv[1] : "GET /index.html\nContent-Length\n";
  served_by = UNLUCKY;
  pthread_cond_broadcast(&wanted);
  pthread_mutex_unlock(&lock);
  pthread_join(workers[UNLUCKY], NULL);
  return 0;
}
