/*
 * Prints "ready" and sleeps until SIGUSR1 comes; then prints "handled N", the signals that were handled, and
 * "interrupted N", the times that its sleep ended early, and exits with status 0. At the end of its input it exits with
 * status 3.
 */
#include "program.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

static volatile sig_atomic_t handled;

static void count_signal(int number) {
  (void)number;
  handled++;
}

static void *watch_input(void *unused) {
  (void)unused;
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
  _exit(3);
}

int main(void) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  struct sigaction action = {.sa_handler = count_signal};
  sigaction(SIGUSR1, &action, NULL);
  pthread_sigmask(SIG_BLOCK, &signals, NULL);
  pthread_t thread;
  if (pthread_create(&thread, NULL, watch_input, NULL) != 0) return 2;
  pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
  say("ready");
  int interrupted = 0;
  while (handled == 0) {
    const struct timespec day = {.tv_sec = 86400};
    if (nanosleep(&day, NULL) != 0 && errno == EINTR) interrupted++;
  }
  say("handled %d", (int)handled);
  say("interrupted %d", interrupted);
  return 0;
}
