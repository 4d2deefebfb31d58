/*
 * Waits inside a signal handler that has a stack of its own: on the main thread, with the argument "thread" on another
 * one. Prints "tid N", "interrupted 0x..." (a local of the frame that the signal interrupted), "handler 0x..." (one of
 * the handler's), "ready"; exits at the end of standard input.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void handle(int signal) {
  volatile char local = (char)signal;
  printf("handler %p\nready\n", (void *)&local);
  fflush(stdout);
  char byte;
  while (read(0, &byte, 1) > 0) continue;
  _exit(0);
}

static void *interrupted(void *unused) {
  volatile unsigned long local = 0x1ab2c3d4e5f60718;
  stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
  sigaltstack(&stack, NULL);
  printf("tid %ld\ninterrupted %p\n", syscall(SYS_gettid), (void *)&local);
  raise(SIGUSR1);
  return unused;
}

int main(int argc, char **argv) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handle;
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGUSR1, &action, NULL);
  (void)argv;
  if (argc == 1) return interrupted(NULL) != NULL;
  pthread_t thread;
  if (pthread_create(&thread, NULL, interrupted, NULL) != 0) return 2;
  pthread_join(thread, NULL);
  return 0;
}
