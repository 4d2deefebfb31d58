/*
 * Is ended by one of the C library's own checks: SIGABRT, with its message.
 *   glibc-abort free      frees what was never allocated
 *   glibc-abort smash     overwrites a stack frame's canary
 *   glibc-abort fortify   copies more than its target holds
 * Frames: libc's, then the function of the check, main.
 */
#include "program.h"

FRAME void free_wild(void) {
  static long words[8];
  void *volatile wild = words + 4;
  free(wild);
  KEEP_FRAME();
}

FRAME void fill(volatile char *to, int count) {
  for (int index = 0; index < count; index++) to[index] = 'x';
}

FRAME __attribute__((optimize("stack-protector-all"))) void smash_stack(int count) {
  volatile char room[16];
  fill(room, count);
  KEEP_FRAME();
}

extern char *__strcpy_chk(char *, const char *, size_t);

FRAME void copy_too_much(const char *from) {
  char room[4];
  fill(room, 4);
  __strcpy_chk(room, from, sizeof room);
  KEEP_FRAME();
}

int main(int argc, char **argv) {
  const char *kind = argc > 1 ? argv[1] : "free";
  if (strcmp(kind, "free") == 0) free_wild();
  if (strcmp(kind, "smash") == 0) smash_stack(64);
  if (strcmp(kind, "fortify") == 0) copy_too_much("more than four");
  return 2;
}
