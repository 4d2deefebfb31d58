/*
 * Writes through a bad pointer: SIGSEGV, SEGV_MAPERR.
 *   null-write            to address 0
 *   null-write nowhere    to address 0xdead0
 *   null-write readonly   to a page that can only be read (SEGV_ACCERR); prints "address 0x..." first
 * Frames: write_to_address, choose_address, main.
 */
#include "program.h"

#include <sys/mman.h>

FRAME void write_to_address(volatile int *address) {
  *address = 42;
  KEEP_FRAME();
}

FRAME void choose_address(const char *which) {
  if (strcmp(which, "nowhere") == 0) {
    write_to_address(NOWHERE);
  } else if (strcmp(which, "readonly") == 0) {
    void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    say("address %p", page);
    write_to_address(page);
  } else {
    write_to_address(NULL);
  }
  KEEP_FRAME();
}

int main(int argc, char **argv) {
  choose_address(argc > 1 ? argv[1] : "null");
  return 0;
}
