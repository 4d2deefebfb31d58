/*
 * The functions of the C++ run-time system that tell of an uncaught exception, null where the process has none. They
 * are of the Itanium C++ ABI and the same in GNU's libstdc++ and LLVM's libc++abi.
 */
#ifndef DEBUGGERD_CXX_RUNTIME_H
#define DEBUGGERD_CXX_RUNTIME_H

typedef void cxx_terminate_handler(void);

/*
 * std::exception_ptr: a pointer to the exception object. It is returned through memory that the caller provides, since
 * it has a destructor; the words after it make every C compiler return this in the same way.
 */
struct cxx_exception_pointer {
  void *object;
  void *unused[7];
};

/* std::type_info */
struct cxx_type {
  void *const *functions;
  const char *name;
};

struct cxx_runtime {
  /* std::set_terminate; std::get_terminate */
  cxx_terminate_handler *(*set_terminate)(cxx_terminate_handler *);
  /* std::current_exception */
  struct cxx_exception_pointer (*current_exception)(void);
  /* abi::__cxa_current_exception_type, abi::__cxa_demangle */
  const struct cxx_type *(*current_exception_type)(void);
  char *(*demangle)(const char *name, char *buffer, __SIZE_TYPE__ *length, int *status);
  /* typeid(std::exception) */
  const struct cxx_type *exception_type;
};

/* Ordinary context. One of cxx-runtime-dynamic.c and cxx-runtime-static.c has it. */
struct cxx_runtime cxx_runtime_find(void);

#endif
