/*
 * Runs an instruction that no CPU defines: SIGILL, ILL_ILLOPN or ILL_ILLOPC by the CPU; the fault address is the
 * instruction. Frames: run_undefined, dispatch, main.
 */
#include "program.h"

FRAME void run_undefined(void) {
#if defined(__x86_64__) || defined(__i386__)
  __asm__ volatile("ud2");
#elif defined(__aarch64__)
  __asm__ volatile("udf #0");
#elif defined(__thumb__)
  __asm__ volatile(".inst.n 0xde00"); /* UDF #0; 0xde01 is a breakpoint to the kernel. */
#else
  __asm__ volatile(".inst 0xe7f000f0"); /* UDF #0; #0x10 is a breakpoint to the kernel. */
#endif
  KEEP_FRAME();
}

FRAME void dispatch(void) {
  run_undefined();
  KEEP_FRAME();
}

int main(void) {
  dispatch();
  return 0;
}
