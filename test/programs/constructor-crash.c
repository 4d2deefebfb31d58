/*
 * Is linked with libfaulting-constructor.so, whose constructor faults before main: SIGSEGV at 0xdead0.
 * Frames: fault_while_loading, prepare_library, (the dynamic linker).
 */
#include "program.h"

int never_reached(void);

int main(void) { return never_reached(); }
