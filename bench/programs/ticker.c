/*
 * Measures how long it is stopped: a thread does nothing but look at the clock, N others sleep 20 frames deep.
 *   ticker N
 * Prints "ready"; then, for each byte on standard input, "gap NANOSECONDS": the longest time between two looks since
 * the last byte, less what of it the thread waited for a processor (/proc/PID/schedstat, second number): on a busy
 * machine that is not the stop. Exits at the end of standard input.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Shorter gaps are not worth the look at what they were. */
enum { NOTABLE = 5000 };

static atomic_long longest;
static sem_t parked, never;

static long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

/* Nanoseconds that this thread was ready to run and did not; 0 where the kernel does not count them. */
static long waited(int schedstat) {
  char text[128];
  const ssize_t length = pread(schedstat, text, sizeof text - 1, 0);
  if (length <= 0) return 0;
  text[length] = '\0';
  long run = 0, wait = 0;
  return sscanf(text, "%ld %ld", &run, &wait) == 2 ? wait : 0;
}

static void *tick(void *unused) {
  const int schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  long last = now(), before = waited(schedstat);
  for (;;) {
    long time = now();
    if (time - last > NOTABLE) {
      const long after = waited(schedstat), gap = time - last - (after - before);
      if (gap > atomic_load_explicit(&longest, memory_order_relaxed)) atomic_store(&longest, gap);
      before = after;
      time = now();
    }
    last = time;
  }
  return unused;
}

/* After a call: keeps the compiler from making a loop of the recursion. */
#define KEEP_FRAME() __asm__ volatile("" ::: "memory")

__attribute__((noipa)) static int descend(int depth) {
  if (depth > 0) {
    const int below = descend(depth - 1);
    KEEP_FRAME();
    return below + 1;
  }
  sem_post(&parked);
  while (sem_wait(&never) != 0) continue;
  return 0;
}

static void *park(void *unused) {
  descend(20);
  return unused;
}

int main(int argc, char **argv) {
  const int count = argc > 1 ? atoi(argv[1]) : 0;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 * 1024);
  sem_init(&parked, 0, 0);
  sem_init(&never, 0, 0);
  pthread_t thread;
  for (int i = 0; i < count; i++) {
    if (pthread_create(&thread, &attributes, park, NULL) != 0) return 2;
  }
  for (int i = 0; i < count; i++) sem_wait(&parked);
  if (pthread_create(&thread, &attributes, tick, NULL) != 0) return 2;
  puts("ready");
  fflush(stdout);
  char byte;
  while (read(0, &byte, 1) == 1) {
    printf("gap %ld\n", atomic_exchange(&longest, 0));
    fflush(stdout);
  }
  return 0;
}
