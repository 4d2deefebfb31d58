/*
 * Fails an assert: the C library prints its message, keeps it for debuggers and aborts. SIGABRT.
 * Message (glibc): "assert-message: assert-message.c:LINE: check_invariant: Assertion `left == right' failed."
 * Frames: (libc), check_invariant, main.
 */
#undef NDEBUG
#include <assert.h>

#include "program.h"

FRAME void check_invariant(int left, int right) {
  assert(left == right);
  KEEP_FRAME();
}

int main(int argc, char **argv) {
  (void)argv;
  check_invariant(argc, argc + 1);
  return 0;
}
