#include "next-function.h"

#include <dlfcn.h>

void *next_function(void **known, const char *name) {
  void *found = __atomic_load_n(known, __ATOMIC_ACQUIRE);
  if (found == 0) {
    found = dlsym(RTLD_NEXT, name);
    __atomic_store_n(known, found, __ATOMIC_RELEASE);
  }
  return found;
}
