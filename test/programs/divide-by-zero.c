/*
 * SIGFPE. x86 traps an integer division by zero (FPE_INTDIV, the fault address is the instruction); ARM has no such
 * trap, so that the program raises the signal there as compiled code does: through the run-time's __aeabi_idiv0
 * convention, raise(SIGFPE). Frames: (raise on ARM), divide, average_of, main.
 */
#include "program.h"

#include <signal.h>

FRAME int divide(volatile int *dividend, volatile int *divisor) {
#if defined(__x86_64__) || defined(__i386__)
  const int result = *dividend / *divisor;
#else
  if (*divisor == 0) raise(SIGFPE);
  const int result = *dividend;
#endif
  KEEP_FRAME();
  return result;
}

FRAME int average_of(int sum, int count) {
  volatile int dividend = sum;
  volatile int divisor = count;
  const int result = divide(&dividend, &divisor);
  KEEP_FRAME();
  return result;
}

int main(int argc, char **argv) {
  (void)argv;
  return average_of(argc + 10, argc - 1) == 0;
}
