/* For the shared library: looked up at run time, since most programs have no C++ in them. */
#include <dlfcn.h>
#include <stddef.h>

#include "cxx-runtime.h"
#include "terminate-message.h"

typedef cxx_terminate_handler *setter(cxx_terminate_handler *);

/* Wherever the C++ library is in the search order: before this library, where the program is linked with both. */
static setter *find_set_terminate(void) {
  setter *found = (setter *)dlsym(RTLD_DEFAULT, "_ZSt13set_terminatePFvvE");
  return found == _ZSt13set_terminatePFvvE ? (setter *)dlsym(RTLD_NEXT, "_ZSt13set_terminatePFvvE") : found;
}

struct cxx_runtime cxx_runtime_find(void) {
  return (struct cxx_runtime){
      .set_terminate = find_set_terminate(),
      .current_exception = (struct cxx_exception_pointer(*)(void))dlsym(RTLD_DEFAULT, "_ZSt17current_exceptionv"),
      .current_exception_type = (const struct cxx_type *(*)(void))dlsym(RTLD_DEFAULT, "__cxa_current_exception_type"),
      .demangle = (char *(*)(const char *, char *, size_t *, int *))dlsym(RTLD_DEFAULT, "__cxa_demangle"),
      .exception_type = dlsym(RTLD_DEFAULT, "_ZTISt9exception"),
  };
}
