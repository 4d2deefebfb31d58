/*
 * A thread faults at 0xdead0 (SIGSEGV); while it is being reported the main thread goes on: when standard input ends it
 * forks a child that faults too. Prints "tid crashing N" before the first fault and "child PID SIGNAL" when the child
 * has ended, then waits for the end that the thread's signal brings.
 * Frames: fault_in_thread, run_crashing, (libc); the child: fault_in_copy, fork_and_wait, main.
 */
#include "program.h"

#include <pthread.h>
#include <sys/wait.h>

FRAME void fault_in_thread(volatile int *address) {
  *address = 1;
  KEEP_FRAME();
}

FRAME void fault_in_copy(volatile int *address) {
  *address = 2;
  KEEP_FRAME();
}

FRAME void *run_crashing(void *unused) {
  (void)unused;
  say("tid crashing %d", (int)thread_id());
  fault_in_thread(NOWHERE);
  KEEP_FRAME();
  return NULL;
}

FRAME int fork_and_wait(void) {
  int status;
  const pid_t child = fork();
  if (child == 0) {
    fault_in_copy(NOWHERE);
    _exit(4);
  }
  if (child < 0 || waitpid(child, &status, 0) != child) return 2;
  say("child %d %d", (int)child, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  KEEP_FRAME();
  return 0;
}

int main(void) {
  pthread_t thread;
  char byte;
  if (pthread_create(&thread, NULL, run_crashing, NULL) != 0) return 2;
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
  const int failed = fork_and_wait();
  pthread_join(thread, NULL);
  return failed != 0 ? failed : 3;
}
