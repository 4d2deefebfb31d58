/*
 * Recurses until the stack ends: SIGSEGV, the fault address in the guard below the stack.
 *   stack-overflow          on the main thread
 *   stack-overflow thread   on a pthread named "overflower", with a stack of 256 KiB
 * Prints "tid N" of the thread that overflows. Frames: overflow_stack (thousands), start_overflow, main or run_thread.
 */
#include "program.h"

#include <pthread.h>
#include <sys/resource.h>

FRAME int overflow_stack(volatile char *previous) {
  volatile char here[256];
  here[0] = previous[0];
  if (here[0] == 0) return 0;
  const int deeper = overflow_stack(here);
  KEEP_FRAME();
  return deeper + here[0];
}

FRAME int start_overflow(void) {
  volatile char first[1] = {1};
  say("tid %d", (int)thread_id());
  const int result = overflow_stack(first);
  KEEP_FRAME();
  return result;
}

FRAME void *run_thread(void *unused) {
  (void)unused;
  pthread_setname_np(pthread_self(), "overflower");
  start_overflow();
  KEEP_FRAME();
  return NULL;
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "thread") == 0) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    if (pthread_create(&thread, &attributes, run_thread, NULL) != 0) return 2;
    pthread_join(thread, NULL);
    return 3;
  }
  /* An unlimited stack would never end. */
  struct rlimit limit;
  if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur > (8U << 20)) {
    limit.rlim_cur = 8U << 20;
    setrlimit(RLIMIT_STACK, &limit);
  }
  return start_overflow();
}
