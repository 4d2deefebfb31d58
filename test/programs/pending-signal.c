/*
 * Aborts (SIGABRT); another thread, at the end of standard input, sends the aborting thread SIGHUP and prints "sent".
 * SIGHUP has a handler. Frames: (libc's abort), abort_with_company, main; the thread: (libc), send_hangup.
 */
#include "program.h"

#include <pthread.h>
#include <signal.h>

static pid_t main_tid;

FRAME void handle_hangup(int signal) {
  (void)signal;
  KEEP_FRAME();
}

FRAME void *send_hangup(void *unused) {
  (void)unused;
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
  syscall(SYS_tgkill, getpid(), main_tid, SIGHUP);
  say("sent");
  pause();
  KEEP_FRAME();
  return NULL;
}

FRAME void abort_with_company(void) { abort(); }

int main(void) {
  pthread_t thread;
  main_tid = thread_id();
  if (signal(SIGHUP, handle_hangup) == SIG_ERR) return 2;
  if (pthread_create(&thread, NULL, send_hangup, NULL) != 0) return 2;
  abort_with_company();
  return 3;
}
