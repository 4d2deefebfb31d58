/*
 * Two threads, "left" and "right", meet and then both fault: left writes to 0xdead0, right to 0xbeef0. One of them is
 * reported. Prints "tid left N" and "tid right N". Frames: fault_left or fault_right, run_left or run_right, (libc).
 */
#include "program.h"

#include <pthread.h>

static pthread_barrier_t meeting;

FRAME void fault_left(volatile int *address) {
  *address = 1;
  KEEP_FRAME();
}

FRAME void fault_right(volatile int *address) {
  *address = 2;
  KEEP_FRAME();
}

FRAME void *run_left(void *unused) {
  (void)unused;
  pthread_setname_np(pthread_self(), "left");
  say("tid left %d", (int)thread_id());
  pthread_barrier_wait(&meeting);
  fault_left(NOWHERE);
  KEEP_FRAME();
  return NULL;
}

FRAME void *run_right(void *unused) {
  (void)unused;
  pthread_setname_np(pthread_self(), "right");
  say("tid right %d", (int)thread_id());
  pthread_barrier_wait(&meeting);
  fault_right((volatile int *)0xbeef0UL);
  KEEP_FRAME();
  return NULL;
}

int main(void) {
  pthread_t left, right;
  pthread_barrier_init(&meeting, NULL, 2);
  if (pthread_create(&left, NULL, run_left, NULL) != 0) return 2;
  if (pthread_create(&right, NULL, run_right, NULL) != 0) return 2;
  pthread_join(left, NULL);
  pthread_join(right, NULL);
  return 3;
}
