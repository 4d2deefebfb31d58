/*
 * All functions here run in ordinary context: std::terminate is called where an exception was thrown, not in a signal
 * handler. What is done here is what libstdc++'s own handler does to print its message.
 */
#include "terminate-message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "abort-message.h"

static struct cxx_runtime runtime;
/* What the program has installed last, and what was there before it. */
static cxx_terminate_handler *program_handler;
static cxx_terminate_handler *first_handler;

/*
 * The object as a std::exception, or null. The fifth virtual function of a std::type_info tells whether a catch clause
 * of this type catches `thrown`, and moves the pointer to the base class: __do_catch(type, &object, 1) of libstdc++ and
 * can_catch(type, &object) of libc++abi, made for each other's callers.
 */
static void *as_exception(const struct cxx_type *thrown, void *object) {
  typedef bool catches(const struct cxx_type *, const struct cxx_type *, void **, unsigned);
  if (runtime.exception_type == NULL || object == NULL) return NULL;
  catches *can_catch = (catches *)runtime.exception_type->functions[4];
  return can_catch(runtime.exception_type, thrown, &object, 1) ? object : NULL;
}

/* std::exception's third virtual function, behind its two destructors. */
static const char *what(void *exception) {
  typedef const char *told(void *);
  void *const *functions = *(void *const **)exception;
  return ((told *)functions[2])(exception);
}

static void record(void) {
  const struct cxx_type *thrown = runtime.current_exception_type == NULL ? NULL : runtime.current_exception_type();
  if (thrown == NULL) {
    abort_message_of_runtime((const char *const[]){"terminate called without an active exception", NULL});
    return;
  }
  /* A name that is local to its file begins with a star, which is no part of it. */
  const char *name = thrown->name[0] == '*' ? thrown->name + 1 : thrown->name;
  int status = -1;
  char *readable = runtime.demangle == NULL ? NULL : runtime.demangle(name, NULL, NULL, &status);
  if (readable != NULL && status == 0) name = readable;
  /* Said before what() is asked: that is the program's code, and may fail. */
  static const char thrown_text[] = "terminate called after throwing an instance of '";
  abort_message_of_runtime((const char *const[]){thrown_text, name, "'", NULL});

  /* A thrown pointer is not an object that could be asked. */
  void *object = runtime.current_exception == NULL ? NULL : runtime.current_exception().object;
  void *exception = as_exception(thrown, object);
  const char *text = exception == NULL ? NULL : what(exception);
  if (text != NULL) abort_message_of_runtime((const char *const[]){thrown_text, name, "', what(): ", text, NULL});
  free(readable);
}

static void on_terminate(void) {
  static bool recorded;
  /* Once: what() may throw, or another thread terminate too. */
  if (!__atomic_exchange_n(&recorded, true, __ATOMIC_ACQ_REL)) record();
  cxx_terminate_handler *next = __atomic_load_n(&program_handler, __ATOMIC_ACQUIRE);
  /* A tail call: the backtrace shows the program's handler as what std::terminate has called. */
  if (next != NULL) return next();
  abort();
}

void terminate_message_install(void) {
  runtime = cxx_runtime_find();
  if (runtime.set_terminate == NULL) return;
  cxx_terminate_handler *before = runtime.set_terminate(on_terminate);
  if (before == on_terminate) return;
  first_handler = before;
  __atomic_store_n(&program_handler, before, __ATOMIC_RELEASE);
}

#ifdef DEBUGGERD_SHARED

#include "debuggerd/client.h"

/*
 * std::set_terminate, before that of the C++ library: ours stays in front of what the program installs.
 * std::get_terminate is left alone, since libstdc++ asks it for the handler of each exception that is thrown; a program
 * that puts back what it got there gets the handler that was there before ours.
 */
DEBUGGERD_EXPORT cxx_terminate_handler *_ZSt13set_terminatePFvvE(cxx_terminate_handler *handler) {
  if (runtime.set_terminate == NULL) terminate_message_install();
  if (handler == on_terminate) handler = first_handler;
  return __atomic_exchange_n(&program_handler, handler, __ATOMIC_ACQ_REL);
}

#endif
