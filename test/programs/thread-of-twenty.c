/*
 * Twenty threads, "worker-1" to "worker-20"; when the others sleep, number 13 writes to 0xdead0: SIGSEGV.
 * Prints "tid worker-N TID" for each. Frames of 13: fault_as_thirteen, run_worker, (libc); of the others:
 * (libc's read), park_worker, run_worker, (libc); of the main thread: (libc), main.
 */
#include "program.h"

#include <pthread.h>

enum { WORKERS = 20, UNLUCKY = 13 };

static volatile pid_t tids[WORKERS + 1];
static pthread_barrier_t started;
static int never[2];

FRAME void fault_as_thirteen(volatile int *address) {
  for (int number = 1; number <= WORKERS; number++) {
    if (number != UNLUCKY) await_blocked(&tids[number]);
    say("tid worker-%d %d", number, (int)tids[number]);
  }
  *address = 13;
  KEEP_FRAME();
}

FRAME void park_worker(void) {
  char byte;
  while (read(never[0], &byte, 1) != 0) continue;
  KEEP_FRAME();
}

FRAME void *run_worker(void *argument) {
  const int number = (int)(size_t)argument;
  char name[16];
  snprintf(name, sizeof name, "worker-%d", number);
  pthread_setname_np(pthread_self(), name);
  pthread_barrier_wait(&started);
  tids[number] = thread_id();
  if (number == UNLUCKY) {
    fault_as_thirteen(NOWHERE);
  } else {
    park_worker();
  }
  KEEP_FRAME();
  return NULL;
}

int main(void) {
  pthread_t threads[WORKERS + 1];
  if (pipe(never) != 0) return 2;
  pthread_barrier_init(&started, NULL, WORKERS);
  for (int number = 1; number <= WORKERS; number++) {
    if (pthread_create(&threads[number], NULL, run_worker, (void *)(size_t)number) != 0) return 2;
  }
  pthread_join(threads[UNLUCKY], NULL);
  return 3;
}
