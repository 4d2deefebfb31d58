/*
 * Counts signals that may not be lost: queues N realtime signals to itself, from a thread, a hundred at a time, while
 * the main thread and another one handle them. Prints "ready"; when all are sent and handled "handled N", and exits.
 *   queued-signals N            as said
 *   queued-signals N wait       leaves the sending to others
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_int handled;
static int others_send;

static void handle(int signal) {
  (void)signal;
  handled++;
}

static void *wait_forever(void *unused) {
  for (;;) pause();
  return unused;
}

static void *send(void *argument) {
  const int count = *(int *)argument;
  for (int sent = 0; sent < count && !others_send; sent++) {
    while (sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = sent}) != 0) usleep(100);
    if (sent % 100 == 0) usleep(200);
  }
  while (handled < count) usleep(1000);
  printf("handled %d\n", handled);
  fflush(stdout);
  _exit(0);
}

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 1000;
  others_send = argc > 2 && strcmp(argv[2], "wait") == 0;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART;
  sigaction(SIGRTMIN, &action, NULL);
  pthread_t thread;
  if (pthread_create(&thread, NULL, wait_forever, NULL) != 0) return 2;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  if (pthread_create(&thread, NULL, send, &count) != 0) return 2;
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  puts("ready");
  fflush(stdout);
  for (;;) pause();
}
