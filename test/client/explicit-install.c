/*
 * Is linked with the static library and installs the handlers itself, then does as it is told:
 *   explicit-install fault             writes to 0xdead0: SIGSEGV
 *   explicit-install overflow-thread   overflows the stack of a thread that it has protected: SIGSEGV; prints "tid N"
 *   explicit-install assert            fails an assert: SIGABRT, with the C library's message
 */
#undef NDEBUG
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "debuggerd/client.h"

__attribute__((noipa)) static int overflow(volatile char *previous) {
  volatile char here[256];
  here[0] = previous[0];
  if (here[0] == 0) return 0;
  return overflow(here) + here[0];
}

static void *run_thread(void *argument) {
  volatile char first[1] = {1};
  if (debuggerd_protect_thread() != 0) _exit(2);
  printf("tid %ld\n", syscall(SYS_gettid));
  fflush(stdout);
  overflow(first);
  return argument;
}

int main(int argc, char **argv) {
  if (argc != 2 || debuggerd_install_handlers() != 0 || debuggerd_install_handlers() != 0) return 2;
  if (strcmp(argv[1], "fault") == 0) *(volatile int *)0xdead0 = 1;
  if (strcmp(argv[1], "assert") == 0) assert(argc == 3);
  if (strcmp(argv[1], "overflow-thread") == 0) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_thread, NULL) != 0) return 2;
    pthread_join(thread, NULL);
  }
  return 3;
}
