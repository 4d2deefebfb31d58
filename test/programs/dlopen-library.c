/*
 * Loads libcrashing.so from its own directory at run time and calls into it: SIGSEGV at 0xdead0, in the library.
 *   dlopen-library [LIBRARY]
 * Frames: crashing_library_inner, crashing_library_entry, call_plugin, main.
 */
#include "program.h"

#include <dlfcn.h>
#include <limits.h>

FRAME void call_plugin(const char *path) {
  void *library = dlopen(path, RTLD_NOW);
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    exit(2);
  }
  void (*entry)(void) = (void (*)(void))dlsym(library, "crashing_library_entry");
  if (entry == NULL) exit(2);
  entry();
  KEEP_FRAME();
}

int main(int argc, char **argv) {
  char path[PATH_MAX + 32];
  ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
  if (length <= 0) return 2;
  while (length > 0 && path[length - 1] != '/') length--;
  strcpy(path + length, "libcrashing.so");
  call_plugin(argc > 1 ? argv[1] : path);
  return 0;
}
