/*
 * Parks N threads (default 10), "parked-1" to "parked-N", with DEPTH frames of recursion each (default 4); prints "pid
 * N" and, when all sleep, "ready"; exits with status 0 at the end of standard input, or faults when a byte comes:
 * SIGSEGV at 0xdead0.
 *   many-threads [N [DEPTH]]
 * Frames of a thread: (libc's semaphore wait), park_here, DEPTH times descend, run_parked, (libc); of the main thread:
 * (libc's read), wait_for_orders, main; in the crash: fault_on_order, wait_for_orders, main.
 */
#include "program.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>

static sem_t never;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static int parked;
static int depth = 4;
static volatile pid_t *tids;

FRAME int park_here(void) {
  pthread_mutex_lock(&lock);
  parked++;
  pthread_cond_signal(&arrived);
  pthread_mutex_unlock(&lock);
  while (sem_wait(&never) != 0 && errno == EINTR) continue;
  KEEP_FRAME();
  return 1;
}

FRAME int descend(int left) {
  const int result = left <= 1 ? park_here() : descend(left - 1);
  KEEP_FRAME();
  return result + left;
}

FRAME void *run_parked(void *argument) {
  const int number = (int)(size_t)argument;
  char name[16];
  snprintf(name, sizeof name, "parked-%d", number);
  pthread_setname_np(pthread_self(), name);
  tids[number] = thread_id();
  if (depth > 0) {
    descend(depth);
  } else {
    park_here();
  }
  KEEP_FRAME();
  return NULL;
}

FRAME void fault_on_order(volatile int *address) {
  *address = 8;
  KEEP_FRAME();
}

FRAME void wait_for_orders(void) {
  char byte;
  if (read(STDIN_FILENO, &byte, 1) != 1) return;
  fault_on_order(NOWHERE);
  KEEP_FRAME();
}

int main(int argc, char **argv) {
  const int count = argc > 1 ? atoi(argv[1]) : 10;
  if (argc > 2) depth = atoi(argv[2]);
  if (count < 0 || count > 100000 || depth < 0 || depth > 100000) return 2;
  tids = calloc((size_t)count + 1, sizeof *tids);
  sem_init(&never, 0, 0);

  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  const size_t stack = (size_t)PTHREAD_STACK_MIN + 32 * 1024 + (size_t)depth * 128;
  pthread_attr_setstacksize(&attributes, (stack + page - 1) / page * page);
  for (int number = 1; number <= count; number++) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, run_parked, (void *)(size_t)number) != 0) return 2;
  }

  pthread_mutex_lock(&lock);
  while (parked < count) pthread_cond_wait(&arrived, &lock);
  pthread_mutex_unlock(&lock);
  for (int number = 1; number <= count; number++) await_blocked(&tids[number]);
  say("pid %d", (int)getpid());
  say("ready");
  wait_for_orders();
  return 0;
}
