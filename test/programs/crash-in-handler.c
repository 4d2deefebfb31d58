/*
 * Faults inside a signal handler: SIGSEGV at 0xdead0, with the frames of the interrupted code behind the kernel's
 * trampoline. Frames: touch_in_handler, on_user_signal, (signal trampoline), (libc's raise), raise_signal, main.
 */
#include "program.h"

#include <signal.h>

FRAME void touch_in_handler(volatile int *address) {
  *address = 1;
  KEEP_FRAME();
}

FRAME void on_user_signal(int signal) {
  (void)signal;
  touch_in_handler(NOWHERE);
  KEEP_FRAME();
}

FRAME void raise_signal(void) {
  raise(SIGUSR1);
  KEEP_FRAME();
}

int main(void) {
  struct sigaction action = {.sa_handler = on_user_signal};
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGUSR1, &action, NULL) != 0) return 2;
  raise_signal();
  return 3;
}
