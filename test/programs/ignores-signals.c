/*
 * Crashes although it wants to hear of no signal.
 *   ignores-signals ignore        ignores every signal that is not a crash, then faults at 0xdead0: SIGSEGV
 *   ignores-signals block         blocks every signal, then aborts: abort(3) unblocks SIGABRT
 *   ignores-signals block-fault   blocks every signal, then faults: the kernel kills it by SIGSEGV and runs no handler
 *   ignores-signals ignore-all    ignores every signal, then faults: the same
 * Frames: fault_ignoring or (libc's abort), abort_blocking; refuse_signals, main.
 */
#include "program.h"

#include <signal.h>

static const int crashes[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSTKFLT, SIGSYS, SIGTRAP};

FRAME void fault_ignoring(volatile int *address) {
  *address = 6;
  KEEP_FRAME();
}

FRAME void abort_blocking(void) { abort(); }

static void ignore_signals(int crashes_too) {
  for (int signal_number = 1; signal_number < NSIG; signal_number++) {
    int is_crash = 0;
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++) is_crash |= crashes[i] == signal_number;
    if (!is_crash || crashes_too) signal(signal_number, SIG_IGN);
  }
}

FRAME void refuse_signals(const char *how) {
  sigset_t all;
  sigfillset(&all);
  if (strcmp(how, "ignore") == 0 || strcmp(how, "ignore-all") == 0) {
    ignore_signals(strcmp(how, "ignore-all") == 0);
    fault_ignoring(NOWHERE);
  } else {
    sigprocmask(SIG_SETMASK, &all, NULL);
    if (strcmp(how, "block-fault") == 0) fault_ignoring(NOWHERE);
    abort_blocking();
  }
  KEEP_FRAME();
}

int main(int argc, char **argv) {
  refuse_signals(argc > 1 ? argv[1] : "ignore");
  return 3;
}
