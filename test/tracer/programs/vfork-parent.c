/*
 * The main thread waits, uninterruptibly, for a vfork child; another thread does so on standard input. Prints "tid N"
 * of that one and "ready"; all exit at the end of standard input.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *look_on(void *unused) {
  printf("tid %ld\nready\n", syscall(SYS_gettid));
  fflush(stdout);
  char byte;
  while (read(0, &byte, 1) > 0) continue;
  return unused;
}

int main(void) {
  int gate[2];
  pthread_t thread;
  if (pipe(gate) != 0) return 2;
  if (pthread_create(&thread, NULL, look_on, NULL) != 0) return 2;
  if (vfork() == 0) {
    char byte;
    while (read(0, &byte, 1) > 0) continue;
    _exit(0);
  }
  pthread_join(thread, NULL);
  return 0;
}
