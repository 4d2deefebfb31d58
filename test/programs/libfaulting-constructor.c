/* The library of constructor-crash: it faults while it is being loaded. */
#include "program.h"

__attribute__((noipa)) static void fault_while_loading(volatile int *address) {
  *address = 4;
  KEEP_FRAME();
}

__attribute__((constructor, noipa)) static void prepare_library(void) {
  fault_while_loading(NOWHERE);
  KEEP_FRAME();
}

int never_reached(void) { return 1; }
