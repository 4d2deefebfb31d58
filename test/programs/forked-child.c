/*
 * Starts a child that faults, and ends as the child ended: exit status 100 + its signal (111 for SIGSEGV).
 *   forked-child               the child comes from fork(2)
 *   forked-child vfork         from vfork(2): it shares memory with its parent, which is suspended meanwhile
 *   forked-child vfork-then-parent   the same, then the parent faults too
 * Prints "child N" after the child has ended. Frames: fault_in_child, run_child, main. The parent: fault_in_parent,
 * main.
 */
#include "program.h"

#include <signal.h>
#include <sys/wait.h>

FRAME void fault_in_child(volatile int *address) {
  *address = 3;
  KEEP_FRAME();
}

FRAME void run_child(void) {
  fault_in_child(NOWHERE);
  KEEP_FRAME();
}

FRAME void fault_in_parent(volatile int *address) {
  *address = 4;
  KEEP_FRAME();
}

int main(int argc, char **argv) {
  const char *kind = argc > 1 ? argv[1] : "fork";
  int status;
  const pid_t child = strncmp(kind, "vfork", 5) == 0 ? vfork() : fork();
  if (child == 0) {
    run_child();
    _exit(4);
  }
  if (child < 0 || waitpid(child, &status, 0) != child) return 2;
  say("child %d", (int)child);
  if (strcmp(kind, "vfork-then-parent") == 0) fault_in_parent(NOWHERE);
  return WIFSIGNALED(status) ? 100 + WTERMSIG(status) : 3;
}
