/*
 * Calls a function pointer that is null: SIGSEGV at address 0 with the program counter 0 too, so that the caller is
 * known by the return address alone.
 * Frames: 0, call_pointer, fetch_and_call, main.
 */
#include "program.h"

typedef int (*callback)(int);

FRAME int call_pointer(callback function) {
  const int result = function(7);
  KEEP_FRAME();
  return result + 1;
}

FRAME int fetch_and_call(callback *table) {
  const int result = call_pointer(table[1]);
  KEEP_FRAME();
  return result + 1;
}

int main(void) {
  callback table[2] = {NULL, NULL};
  return fetch_and_call(table);
}
