/*
 * Makes N mappings that the kernel cannot merge (default 5000; vm.max_map_count is usually 65530), one page each,
 * readable and not in turn, and four threads, "mapper-1" to "mapper-4", that sleep. Prints "pid N" and "ready"; faults
 * at 0xdead0 when a byte comes on standard input, exits with status 0 at its end.
 * Frames: fault_among_mappings, hold_mappings, main; of a thread: (libc's read), sleep_mapper, (libc).
 */
#include "program.h"

#include <pthread.h>
#include <sys/mman.h>

enum { MAPPERS = 4 };

static int never[2];
static volatile pid_t tids[MAPPERS + 1];
static pthread_barrier_t started;

FRAME void fault_among_mappings(volatile int *address) {
  *address = 2;
  KEEP_FRAME();
}

FRAME void hold_mappings(void) {
  say("pid %d", (int)getpid());
  say("ready");
  wait_for_byte();
  fault_among_mappings(NOWHERE);
  KEEP_FRAME();
}

FRAME void *sleep_mapper(void *argument) {
  const int number = (int)(size_t)argument;
  char name[16];
  char byte;
  snprintf(name, sizeof name, "mapper-%d", number);
  pthread_setname_np(pthread_self(), name);
  pthread_barrier_wait(&started);
  tids[number] = thread_id();
  while (read(never[0], &byte, 1) != 0) continue;
  KEEP_FRAME();
  return NULL;
}

int main(int argc, char **argv) {
  const long count = argc > 1 ? atol(argv[1]) : 5000;
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  if (count < 0 || count > 1000000 || pipe(never) != 0) return 2;

  pthread_barrier_init(&started, NULL, MAPPERS + 1);
  for (int number = 1; number <= MAPPERS; number++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, sleep_mapper, (void *)(size_t)number) != 0) return 2;
  }
  pthread_barrier_wait(&started);
  for (int number = 1; number <= MAPPERS; number++) await_blocked(&tids[number]);

  if (count > 0) {
    char *area = mmap(NULL, (size_t)count * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) return 2;
    for (long index = 0; index < count; index += 2) {
      if (mprotect(area + (size_t)index * page, page, PROT_READ | PROT_WRITE) != 0) return 2;
    }
  }
  hold_mappings();
  return 0;
}
