/*
 * Opens descriptors until the soft limit (64), then faults at 0xdead0: SIGSEGV. With the argument
 *   hard     the hard limit is the same
 *   closed   all descriptors above 2 are closed before that
 *   forked   as "hard", of 256, in the second of two children; the first has crashed. The parent prints "child ID" for
 *            each, and exits with 111
 * Frames: fault_without_descriptors, use_up_descriptors, main.
 */
#include "program.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>

FRAME void fault_without_descriptors(volatile int *address) {
  *address = 64;
  KEEP_FRAME();
}

FRAME int use_up_descriptors(const char *how) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 2;
  limit.rlim_cur = strcmp(how, "forked") == 0 ? 256 : 64;
  if (strcmp(how, "hard") == 0 || strcmp(how, "forked") == 0) limit.rlim_max = limit.rlim_cur;
  if (strcmp(how, "closed") == 0) close_range(3, ~0u, 0);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 2;
  while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) continue;
  if (errno != EMFILE) return 2;
  fault_without_descriptors(NOWHERE);
  KEEP_FRAME();
  return 3;
}

int main(int argc, char **argv) {
  const char *const how = argc > 1 ? argv[1] : "";
  if (strcmp(how, "forked") != 0) return use_up_descriptors(how);
  for (int round = 0; round < 2; round++) {
    const pid_t child = fork();
    if (child == 0) return use_up_descriptors(how);
    say("child %d", (int)child);
    if (waitpid(child, NULL, 0) != child) return 2;
  }
  return 111;
}
