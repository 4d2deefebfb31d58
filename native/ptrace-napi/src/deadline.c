/*
 * waitpid has no timeout, and what tells of a tracee's stop is nothing that polls. So a timer aims a realtime signal at
 * this very thread (SIGEV_THREAD_ID), whose handler does nothing and, without SA_RESTART, ends waitpid with EINTR. The
 * timer repeats: a signal that comes just before waitpid blocks is followed by another. System calls are made raw
 * because the wrappers carry recent symbol versions.
 */
#include "deadline.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum { REPEAT_NANOSECONDS = 1000000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int wake_signal; /* 0: none chosen yet */

static void wake(int signal) { (void)signal; }

/* Takes the last realtime signal that nobody uses; 0 where there is none. */
static int choose_signal(void) {
  pthread_mutex_lock(&lock);
  for (int signal = SIGRTMAX; !wake_signal && signal >= SIGRTMIN; signal--) {
    struct sigaction action;
    if (sigaction(signal, NULL, &action) != 0 || (action.sa_flags & SA_SIGINFO) || action.sa_handler != SIG_DFL)
      continue;
    memset(&action, 0, sizeof action);
    action.sa_handler = wake;
    if (sigaction(signal, &action, NULL) == 0) wake_signal = signal;
  }
  int chosen = wake_signal;
  pthread_mutex_unlock(&lock);
  return chosen;
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

void deadline_start(Deadline *deadline, double milliseconds) {
  deadline->at = milliseconds > 0 ? now() + (int64_t)(milliseconds * 1e6) : 0;
  deadline->timer = -1;
}

static bool arm(Deadline *deadline) {
  if (deadline->timer >= 0) return true;
  int signal = choose_signal();
  if (!signal) {
    errno = EBUSY;
    return false;
  }
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  sigprocmask(SIG_UNBLOCK, &set, NULL); /* this thread's */
  struct sigevent event;
  memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = signal;
  event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
  if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &deadline->timer) != 0) {
    deadline->timer = -1;
    return false;
  }
  int64_t at = deadline->at;
  struct itimerspec when = {
      .it_value = {.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000},
      .it_interval = {.tv_nsec = REPEAT_NANOSECONDS},
  };
  return syscall(SYS_timer_settime, deadline->timer, TIMER_ABSTIME, &when, NULL) == 0;
}

pid_t deadline_wait(Deadline *deadline, pid_t tid, int *status) {
  int flags = __WALL | __WNOTHREAD;
  for (;;) {
    pid_t got = waitpid(tid, status, flags | WNOHANG);
    if (got != 0 && !(got < 0 && errno == EINTR)) return got;
    if (now() >= deadline->at) return 0;
    if (!arm(deadline)) return -1;
    got = waitpid(tid, status, flags);
    if (got > 0 || errno != EINTR) return got;
  }
}

void deadline_end(Deadline *deadline) {
  if (deadline->timer < 0) return;
  int saved = errno;
  syscall(SYS_timer_delete, deadline->timer);
  deadline->timer = -1;
  errno = saved;
}
