/*
 * Starts programs that crash, and says when what happened, in nanoseconds of CLOCK_MONOTONIC. Each gets a descriptor 3
 * (shared words, one per process), the word's number as its last argument, and crashes when a byte comes on its
 * standard input.
 *   launcher COUNT INTERVAL_US DIRECTORY KEEP LIBRARY PROGRAM [ARGS...]
 *     INTERVAL_US  0 and more: all are started first, then told to crash one after the other with so many microseconds
 *                  between
 *                  -1: one after the other, each started when the one before is dead and its tombstone is there
 *     DIRECTORY    where tombstone_NN files appear (by a rename), or - : none is awaited
 *     KEEP         a directory on the same file system: each tombstone that appears gets a second name there, 0, 1,
 *                  ..., and the minidump beside it 0.dmp, 1.dmp, ..., so that a slot that is used again loses nothing
 *     LIBRARY      preloaded into the programs, or -
 * Prints "pid PID ordered NS fault NS dead NS status STATUS" for each process and "tombstone NUMBER NS" for each
 * tombstone, in the end. Gives up, with what it has, when nothing has happened for GIVE_UP_MS.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_PROCESSES = 4096, GIVE_UP_MS = 30000 };

struct process {
  pid_t pid;
  int order;
  int64_t ordered, dead;
  int status;
};

static struct process processes[MAX_PROCESSES];
static int64_t published[MAX_PROCESSES];
static int started, dead, tombstones;
static int64_t *faults;
static int shared = -1, watch = -1, deaths = -1;
static const char *directory, *keep, *library;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void fail(const char *what) {
  perror(what);
  for (int i = 0; i < started; i++)
    if (processes[i].dead == 0) kill(processes[i].pid, SIGKILL);
  exit(1);
}

static void start(char **program, int arguments) {
  int order[2], ready[2];
  if (pipe2(order, O_CLOEXEC) != 0 || pipe2(ready, O_CLOEXEC) != 0) fail("pipe");
  char number[16];
  snprintf(number, sizeof number, "%d", started);
  const pid_t pid = fork();
  if (pid < 0) fail("fork");
  if (pid == 0) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(order[0], 0) < 0 || dup2(ready[1], 1) < 0) _exit(126);
    if (shared == 3 ? fcntl(3, F_SETFD, 0) != 0 : dup2(shared, 3) < 0) _exit(126);
    if (strcmp(library, "-") != 0) setenv("LD_PRELOAD", library, 1);
    char *argv[16];
    for (int i = 0; i < arguments; i++) argv[i] = program[i];
    argv[arguments] = number;
    argv[arguments + 1] = NULL;
    execv(program[0], argv);
    _exit(127);
  }
  close(order[0]);
  close(ready[1]);
  processes[started++] = (struct process){.pid = pid, .order = order[1]};
  char byte;
  ssize_t got;
  do got = read(ready[0], &byte, 1);
  while (got < 0 && errno == EINTR);
  if (got != 1) fail("a program did not start");
  close(ready[0]);
}

static void order(int index) {
  processes[index].ordered = now();
  if (write(processes[index].order, ".", 1) != 1) fail("write");
}

static void reap(void) {
  for (;;) {
    int status;
    const pid_t pid = wait4(-1, &status, WNOHANG, NULL);
    if (pid <= 0) return;
    const int64_t time = now();
    for (int i = 0; i < started; i++) {
      if (processes[i].pid != pid) continue;
      processes[i].dead = time;
      processes[i].status = status;
      close(processes[i].order);
      dead++;
    }
  }
}

static void keep_tombstone(const char *name) {
  char from[512], to[512];
  for (int minidump = 0; minidump < 2; minidump++) {
    const char *suffix = minidump ? ".dmp" : "";
    snprintf(from, sizeof from, "%s/%s%s", directory, name, suffix);
    snprintf(to, sizeof to, "%s/%d%s", keep, tombstones, suffix);
    if (link(from, to) != 0) perror(from);
  }
}

static void look(void) {
  char buffer[64 * 1024] __attribute__((aligned(__alignof__(struct inotify_event))));
  const ssize_t length = read(watch, buffer, sizeof buffer);
  const int64_t time = now();
  for (ssize_t at = 0; at < length;) {
    const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
    at += (ssize_t)sizeof *event + event->len;
    if (event->len == 0 || strncmp(event->name, "tombstone_", 10) != 0 || strstr(event->name, ".dmp") != NULL) continue;
    if (tombstones == MAX_PROCESSES) continue;
    keep_tombstone(event->name);
    published[tombstones++] = time;
  }
}

/* Waits for a death or a tombstone, at most until `until`. False: nothing came. */
static bool await(int64_t until) {
  struct pollfd fds[2] = {{.fd = deaths, .events = POLLIN}, {.fd = watch, .events = POLLIN}};
  const int64_t left = until - now();
  const struct timespec timeout = {.tv_sec = left < 0 ? 0 : left / 1000000000,
                                   .tv_nsec = left < 0 ? 0 : left % 1000000000};
  const int count = ppoll(fds, 2, &timeout, NULL);
  if (fds[0].revents != 0) {
    struct signalfd_siginfo info;
    if (read(deaths, &info, sizeof info) < 0) perror("read");
    reap();
  }
  if (fds[1].revents != 0) look();
  return count > 0;
}

/* Until so many processes are dead and have their tombstones. */
static bool await_all(int count) {
  while (dead < count || (watch >= 0 && tombstones < count))
    if (!await(now() + GIVE_UP_MS * 1000000LL)) return false;
  return true;
}

int main(int argc, char **argv) {
  if (argc < 7) return 2;
  const int count = atoi(argv[1]), interval = atoi(argv[2]);
  directory = argv[3];
  keep = argv[4];
  library = argv[5];
  if (count < 1 || count > MAX_PROCESSES || argc - 6 > 14) return 2;
  shared = memfd_create("slots", MFD_CLOEXEC);
  if (shared < 0 || ftruncate(shared, MAX_PROCESSES * sizeof *faults) != 0) fail("memfd");
  faults = mmap(NULL, MAX_PROCESSES * sizeof *faults, PROT_READ, MAP_SHARED, shared, 0);
  if (faults == MAP_FAILED) fail("mmap");
  if (strcmp(directory, "-") != 0) {
    watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch < 0 || inotify_add_watch(watch, directory, IN_MOVED_TO) < 0) fail(directory);
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  deaths = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (deaths < 0) fail("signalfd");

  bool complete = true;
  if (interval < 0) {
    for (int i = 0; i < count && complete; i++) {
      start(argv + 6, argc - 6);
      order(i);
      complete = await_all(i + 1);
    }
  } else {
    for (int i = 0; i < count; i++) start(argv + 6, argc - 6);
    int64_t next = now();
    for (int i = 0; i < count; i++, next += interval * 1000LL) {
      while (now() < next) await(next);
      order(i);
    }
    complete = await_all(count);
  }
  for (int i = 0; i < started; i++) {
    if (processes[i].dead == 0) kill(processes[i].pid, SIGKILL);
    printf("pid %d ordered %lld fault %lld dead %lld status %d\n", (int)processes[i].pid,
           (long long)processes[i].ordered,
           (long long)faults[i], (long long)processes[i].dead, processes[i].status);
  }
  for (int i = 0; i < tombstones; i++) printf("tombstone %d %lld\n", i, (long long)published[i]);
  return complete ? 0 : 3;
}
