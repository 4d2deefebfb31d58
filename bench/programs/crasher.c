/*
 * Crashes on order and says when: THREADS threads (the main one counted, the others parked 20 frames deep); when a byte
 * comes on standard input, CLOCK_MONOTONIC in nanoseconds goes into word SLOT of the shared memory at descriptor 3, and
 * the next instruction that matters is the fault (SIGSEGV at 0xdead0). Writes a byte to standard output when all
 * threads are parked. Ends without a crash at the end of standard input.
 *   crasher THREADS SLOT
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH = 20, SHARED_FD = 3 };

static sem_t parked, never;

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
  descend(DEPTH);
  return unused;
}

__attribute__((noipa)) static int crash_below(int depth, volatile int64_t *slot) {
  if (depth > 0) {
    const int below = crash_below(depth - 1, slot);
    KEEP_FRAME();
    return below + 1;
  }
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  *slot = time.tv_sec * 1000000000LL + time.tv_nsec;
  *(volatile int *)0xdead0 = 8;
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const long threads = strtol(argv[1], NULL, 10), slot = strtol(argv[2], NULL, 10);
  int64_t *slots = mmap(NULL, (size_t)(slot + 1) * sizeof *slots, PROT_READ | PROT_WRITE, MAP_SHARED, SHARED_FD, 0);
  if (slots == MAP_FAILED) return 2;
  sem_init(&parked, 0, 0);
  sem_init(&never, 0, 0);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 * 1024);
  for (long i = 1; i < threads; i++) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, park, NULL) != 0) return 2;
  }
  for (long i = 1; i < threads; i++) while (sem_wait(&parked) != 0) continue;
  char byte = '.';
  if (write(1, &byte, 1) != 1 || read(0, &byte, 1) != 1) return 0;
  crash_below(DEPTH, &slots[slot]);
  return 1;
}
