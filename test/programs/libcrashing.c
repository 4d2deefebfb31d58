/*
 * The library that dlopen-library loads. crashing_library_entry is exported; crashing_library_inner is a local symbol,
 * known from .symtab alone.
 */
#include "program.h"

__attribute__((noipa)) static void crashing_library_inner(volatile int *address) {
  *address = 5;
  KEEP_FRAME();
}

__attribute__((noipa, visibility("default"))) void crashing_library_entry(void) {
  crashing_library_inner(NOWHERE);
  KEEP_FRAME();
}
