/*
 * What threads and handled faults cost a program: thread-cost KIND COUNT prints one number.
 *   create   nanoseconds to create and join a thread that returns at once, over COUNT threads one after the other
 *   alive    lines of /proc/self/maps per thread that COUNT threads, alive at once, add
 *   first    nanoseconds of the first fault of a thread that the program's own handler repairs, over COUNT threads
 *   next     the same for the faults after the first, COUNT in one thread
 *   start    nothing; the time of the whole process is what is looked at
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static char *page;
static __thread int faults;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void fail(const char *what) {
  perror(what);
  exit(2);
}

static void *nothing(void *argument) { return argument; }

static void repair(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  if (info->si_addr != page || mprotect(page, 1, PROT_READ | PROT_WRITE) != 0) _exit(3);
  faults++;
}

/* One fault, without what it takes to protect the page again. */
static double fault(void) {
  if (mprotect(page, 1, PROT_NONE) != 0) fail("mprotect");
  const double before = now();
  *(volatile char *)page = 1;
  return now() - before;
}

static void *fault_once(void *total) {
  *(double *)total += fault();
  return NULL;
}

static void run(void *(*start)(void *), void *argument) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, start, argument) != 0 || pthread_join(thread, NULL) != 0) fail("pthread_create");
}

static int mappings(void) {
  FILE *maps = fopen("/proc/self/maps", "re");
  int lines = 0;
  if (maps == NULL) fail("maps");
  for (int byte = fgetc(maps); byte != EOF; byte = fgetc(maps)) lines += byte == '\n';
  fclose(maps);
  return lines;
}

static pthread_barrier_t all;

static void *meet_twice(void *argument) {
  pthread_barrier_wait(&all);
  pthread_barrier_wait(&all);
  return argument;
}

static double count_alive(int count) {
  pthread_t *threads = calloc((size_t)count, sizeof *threads);
  if (threads == NULL || pthread_barrier_init(&all, NULL, (unsigned)count + 1) != 0) fail("no memory");
  run(nothing, NULL);
  const int before = mappings();
  for (int index = 0; index < count; index++) {
    if (pthread_create(&threads[index], NULL, meet_twice, NULL) != 0) fail("pthread_create");
  }
  pthread_barrier_wait(&all);
  const int after = mappings();
  pthread_barrier_wait(&all);
  for (int index = 0; index < count; index++) pthread_join(threads[index], NULL);
  return (double)(after - before) / count;
}

int main(int argc, char **argv) {
  const char *kind = argc > 1 ? argv[1] : "";
  const int count = argc > 2 ? atoi(argv[2]) : 1000;
  page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const struct sigaction action = {.sa_sigaction = repair, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  if (page == MAP_FAILED || sigaction(SIGSEGV, &action, NULL) != 0) fail("set-up");
  *page = 1;

  double total = 0;
  if (strcmp(kind, "create") == 0) {
    run(nothing, NULL);
    const double before = now();
    for (int round = 0; round < count; round++) run(nothing, NULL);
    total = (now() - before) / count;
  } else if (strcmp(kind, "alive") == 0) {
    total = count_alive(count);
  } else if (strcmp(kind, "first") == 0) {
    for (int round = 0; round < count; round++) run(fault_once, &total);
    total /= count;
  } else if (strcmp(kind, "next") == 0) {
    fault();
    for (int round = 0; round < count; round++) total += fault();
    if (faults != count + 1) return 4;
    total /= count;
  }
  printf("%.2f\n", total);
  return 0;
}
