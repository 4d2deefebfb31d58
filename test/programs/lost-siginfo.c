/*
 * Saves the handler that was there before it and puts it back by signal(2), as old programs do: it is then a handler of
 * one argument, without a siginfo. Then faults at 0xdead0: SIGSEGV.
 * Frames: fault_after_restore, restore_by_signal, main.
 */
#include "program.h"

#include <signal.h>

FRAME void fault_after_restore(volatile int *address) {
  *address = 3;
  KEEP_FRAME();
}

FRAME void restore_by_signal(void) {
  struct sigaction before;
  sigaction(SIGSEGV, NULL, &before);
  signal(SIGSEGV, SIG_DFL);
  signal(SIGSEGV, before.sa_handler);
  fault_after_restore(NOWHERE);
  KEEP_FRAME();
}

int main(void) {
  restore_by_signal();
  return 3;
}
