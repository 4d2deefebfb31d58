/*
 * Reads a line of at most 63 characters, keeps it in a stack frame and on the heap, where a register leads to it, and
 * faults: SIGSEGV at 0xdead0.
 * Frames: fault_with_secret, keep_secret, main.
 */
#include "program.h"

FRAME void fault_with_secret(const char *on_heap, const char *on_stack, volatile int *address) {
  *address = on_heap[0] + on_stack[0];
  KEEP_FRAME();
}

FRAME void keep_secret(void) {
  char line[64] = {0};
  size_t length = 0;
  while (length < sizeof line - 1 && read(STDIN_FILENO, line + length, 1) == 1 && line[length] != '\n') length++;
  char *copy = malloc(4096);
  if (copy == NULL) exit(2);
  memset(copy, 0, 4096);
  memcpy(copy + 128, line, length);
  fault_with_secret(copy + 128, line, NOWHERE);
  KEEP_FRAME();
}

int main(void) {
  say("ready");
  keep_secret();
  return 0;
}
