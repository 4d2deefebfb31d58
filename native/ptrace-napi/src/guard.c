/*
 * A page that a process serves (FUSE, userfaultfd(2)) is waited for by who touches it, as long as that process likes
 * and, once it has the request in its hands, killed or not. A thread of its own waits for it here. libuv's threads,
 * since libc's have symbols that are younger than the libc of Node 20.
 */
#include "guard.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "syscalls.h"

/* uv_thread_t, uv_mutex_t and uv_cond_t are libc's types on Unix (uv/unix.h); uv_cond_timedwait takes nanoseconds. */
int uv_thread_create(pthread_t *thread, void (*entry)(void *argument), void *argument);
int uv_mutex_init(pthread_mutex_t *mutex);
void uv_mutex_lock(pthread_mutex_t *mutex);
void uv_mutex_unlock(pthread_mutex_t *mutex);
int uv_cond_init(pthread_cond_t *condition);
void uv_cond_signal(pthread_cond_t *condition);
void uv_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int uv_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t timeout);

typedef struct {
  pthread_mutex_t mutex;
  pthread_cond_t given;
  pthread_cond_t done;
  void (*work)(void *context); /* NULL: nothing to do */
  void *context;
  bool given_up;
  volatile pid_t tid;
} Guard;

static Guard *current;

static void serve(void *argument) {
  Guard *guard = argument;
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL); /* this thread's */
  guard->tid = (pid_t)syscall(SYS_gettid);
  uv_mutex_lock(&guard->mutex);
  while (!guard->given_up) {
    if (!guard->work) {
      uv_cond_wait(&guard->given, &guard->mutex);
      continue;
    }
    uv_mutex_unlock(&guard->mutex);
    guard->work(guard->context);
    uv_mutex_lock(&guard->mutex);
    guard->work = NULL;
    uv_cond_signal(&guard->done);
  }
  uv_mutex_unlock(&guard->mutex);
}

static Guard *start(void) {
  Guard *guard = calloc(1, sizeof *guard);
  pthread_t thread;
  if (!guard) return NULL;
  if (uv_mutex_init(&guard->mutex) != 0 || uv_cond_init(&guard->given) != 0 || uv_cond_init(&guard->done) != 0 ||
      uv_thread_create(&thread, serve, guard) != 0) {
    free(guard);
    return NULL;
  }
  return guard;
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

bool guard_run(void (*work)(void *context), void *context, double milliseconds) {
  if (!current) current = start();
  Guard *guard = current;
  if (!guard) {
    work(context); /* no thread to be had */
    return true;
  }
  const uint64_t end = now() + (uint64_t)(milliseconds * 1e6);
  uv_mutex_lock(&guard->mutex);
  guard->context = context;
  guard->work = work;
  uv_cond_signal(&guard->given);
  for (uint64_t time; guard->work && (time = now()) < end;) uv_cond_timedwait(&guard->done, &guard->mutex, end - time);
  const bool finished = !guard->work;
  guard->given_up = !finished;
  if (!finished) current = NULL;
  uv_mutex_unlock(&guard->mutex);
  return finished;
}

pid_t guard_thread(void) { return current ? current->tid : 0; }
