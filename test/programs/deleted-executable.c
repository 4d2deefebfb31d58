/*
 * Prints "pid N" and "ready", then waits for a byte on standard input and writes to 0xdead0: SIGSEGV. A test removes or
 * replaces the program's file in between. At the end of standard input it exits with status 0.
 * Frames: fault_without_file, after_deletion, main.
 */
#include "program.h"

FRAME void fault_without_file(volatile int *address) {
  *address = 9;
  KEEP_FRAME();
}

FRAME void after_deletion(void) {
  fault_without_file(NOWHERE);
  KEEP_FRAME();
}

int main(void) {
  say("pid %d", (int)getpid());
  say("ready");
  wait_for_byte();
  after_deletion();
  return 3;
}
