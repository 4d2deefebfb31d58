/*
 * Runs a breakpoint instruction with no debugger there: SIGTRAP.
 * Frames: hit_breakpoint, step_over, main. On x86 the program counter is behind the instruction, on ARM at it.
 */
#include "program.h"

FRAME void hit_breakpoint(void) {
#if defined(__x86_64__) || defined(__i386__)
  __asm__ volatile("int3");
#elif defined(__aarch64__)
  __asm__ volatile("brk #0");
#elif defined(__thumb__)
  __asm__ volatile(".inst.n 0xde01");
#else
  __asm__ volatile(".inst 0xe7f001f0");
#endif
  KEEP_FRAME();
}

FRAME void step_over(void) {
  hit_breakpoint();
  KEEP_FRAME();
}

int main(void) {
  step_over();
  return 0;
}
