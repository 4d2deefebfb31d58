/* For the static library: weak references, null in a program without C++. */
#include "cxx-runtime.h"

#define WEAK __attribute__((weak))

extern cxx_terminate_handler *_ZSt13set_terminatePFvvE(cxx_terminate_handler *) WEAK;
extern struct cxx_exception_pointer _ZSt17current_exceptionv(void) WEAK;
extern const struct cxx_type *__cxa_current_exception_type(void) WEAK;
extern char *__cxa_demangle(const char *, char *, __SIZE_TYPE__ *, int *) WEAK;
extern const struct cxx_type _ZTISt9exception WEAK;

struct cxx_runtime cxx_runtime_find(void) {
  return (struct cxx_runtime){
      .set_terminate = _ZSt13set_terminatePFvvE,
      .current_exception = _ZSt17current_exceptionv,
      .current_exception_type = __cxa_current_exception_type,
      .demangle = __cxa_demangle,
      .exception_type = &_ZTISt9exception,
  };
}
