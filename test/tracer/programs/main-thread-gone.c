/* The main thread ends, another one lives on. Prints "tid N" and "ready"; exits at the end of standard input. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_t leader;

static void *survive(void *unused) {
  pthread_join(leader, NULL);
  printf("tid %ld\nready\n", syscall(SYS_gettid));
  fflush(stdout);
  char byte;
  while (read(0, &byte, 1) > 0) continue;
  _exit(0);
  return unused;
}

int main(void) {
  pthread_t thread;
  leader = pthread_self();
  if (pthread_create(&thread, NULL, survive, NULL) != 0) return 2;
  pthread_exit(NULL);
}
