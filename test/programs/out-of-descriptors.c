/*
 * Opens descriptors until the soft limit (64; the hard one stays), then faults at 0xdead0: SIGSEGV.
 * Frames: fault_without_descriptors, use_up_descriptors, main.
 */
#include "program.h"

#include <errno.h>
#include <sys/resource.h>

FRAME void fault_without_descriptors(volatile int *address) {
  *address = 64;
  KEEP_FRAME();
}

FRAME int use_up_descriptors(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 2;
  limit.rlim_cur = 64;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 2;
  while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) continue;
  if (errno != EMFILE) return 2;
  fault_without_descriptors(NOWHERE);
  KEEP_FRAME();
  return 3;
}

int main(void) { return use_up_descriptors(); }
