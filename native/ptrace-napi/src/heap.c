/* The C library's own memory. */
#include <stddef.h>

#include "bindings.h"

/* glibc has it; musl gives free memory back by itself, and bionic does when it is idle. */
__attribute__((weak)) int malloc_trim(size_t kept);

static napi_value trim_heap(napi_env env, napi_callback_info info) {
  (void)info;
  return result_boolean(env, malloc_trim && malloc_trim(0) != 0);
}

const Export heap_exports[] = {
    {"trimHeap", trim_heap},
    {NULL, NULL},
};
