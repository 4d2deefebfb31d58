/*
 * A small server that does nothing wrong: an acceptor, four workers of a pool and a logger, all waiting for something,
 * each in functions with names that tell what for. Prints "pid N", "tid NAME N" for each thread and, when all sleep,
 * "ready"; exits with status 0 at the end of standard input.
 * Frames, innermost first behind libc's: acceptor: accept_connection, serve_listener, run_acceptor; worker-N:
 * next_job, work_through_queue, run_worker; logger: next_line, write_log, run_logger; main thread:
 * supervise, main.
 */
#include "program.h"

#include <pthread.h>

enum { WORKERS = 4, THREADS = WORKERS + 2 };

struct queue {
  pthread_mutex_t lock;
  pthread_cond_t filled;
  int jobs;
};

static struct queue queue = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
static int connections[2];
static int lines[2];
static struct {
  char name[16];
  volatile pid_t tid;
} threads[THREADS];
static pthread_barrier_t started;

static void enter(int slot, const char *name) {
  pthread_setname_np(pthread_self(), name);
  snprintf(threads[slot].name, sizeof threads[slot].name, "%s", name);
  pthread_barrier_wait(&started);
  threads[slot].tid = thread_id();
}

FRAME int accept_connection(int listener) {
  char connection;
  const ssize_t count = read(listener, &connection, 1);
  KEEP_FRAME();
  return (int)count;
}

FRAME int serve_listener(int listener) {
  int served = 0;
  while (accept_connection(listener) != 0) served++;
  KEEP_FRAME();
  return served;
}

FRAME void *run_acceptor(void *unused) {
  (void)unused;
  enter(0, "acceptor");
  serve_listener(connections[0]);
  KEEP_FRAME();
  return NULL;
}

FRAME int next_job(struct queue *from) {
  pthread_mutex_lock(&from->lock);
  while (from->jobs == 0) pthread_cond_wait(&from->filled, &from->lock);
  const int job = from->jobs--;
  pthread_mutex_unlock(&from->lock);
  return job;
}

FRAME int work_through_queue(struct queue *from) {
  int done = 0;
  while (next_job(from) > 0) done++;
  KEEP_FRAME();
  return done;
}

FRAME void *run_worker(void *argument) {
  const int number = (int)(size_t)argument;
  char name[16];
  snprintf(name, sizeof name, "worker-%d", number);
  enter(number, name);
  work_through_queue(&queue);
  KEEP_FRAME();
  return NULL;
}

FRAME ssize_t next_line(char *line, size_t room) {
  const ssize_t count = read(lines[0], line, room);
  KEEP_FRAME();
  return count;
}

FRAME void write_log(void) {
  char line[256];
  ssize_t count;
  while ((count = next_line(line, sizeof line)) != 0) {
    if (count > 0) fwrite(line, 1, (size_t)count, stderr);
  }
  KEEP_FRAME();
}

FRAME void *run_logger(void *unused) {
  (void)unused;
  enter(WORKERS + 1, "logger");
  write_log();
  KEEP_FRAME();
  return NULL;
}

FRAME void supervise(void) {
  wait_for_end();
  KEEP_FRAME();
}

int main(void) {
  pthread_t thread;
  if (pipe(connections) != 0 || pipe(lines) != 0) return 2;
  pthread_barrier_init(&started, NULL, THREADS + 1);
  if (pthread_create(&thread, NULL, run_acceptor, NULL) != 0) return 2;
  for (int number = 1; number <= WORKERS; number++) {
    if (pthread_create(&thread, NULL, run_worker, (void *)(size_t)number) != 0) return 2;
  }
  if (pthread_create(&thread, NULL, run_logger, NULL) != 0) return 2;

  pthread_barrier_wait(&started);
  say("pid %d", (int)getpid());
  for (int slot = 0; slot < THREADS; slot++) {
    await_blocked(&threads[slot].tid);
    say("tid %s %d", threads[slot].name, (int)threads[slot].tid);
  }
  say("ready");
  supervise();
  return 0;
}
