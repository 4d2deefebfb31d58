/*
 * Stands before the C library's functions that end the process: a handler of the program's that calls one at a fault
 * has made the fault the end, and it is reported first. In the shared library only. Any context in which the C
 * library's own may be called.
 */
#include <stdlib.h>
#include <unistd.h>

#include "crash-handler.h"
#include "debuggerd/client.h"
#include "interposed.h"
#include "next-function.h"
#include "raw-syscall.h"

static struct {
  void *exit;
  void *_exit;
  void *quick_exit;
} next;

void interposed_ends_begin(void) {
  next_function(&next.exit, "exit");
  next_function(&next._exit, "_exit");
  next_function(&next.quick_exit, "quick_exit");
}

__attribute__((noreturn)) static void end(void **known, const char *name, int status) {
  void (*const call)(int) = next_function(known, name);
  crash_handler_before_end(false);
  if (call != NULL) call(status);
  for (;;) raw_syscall1(__NR_exit_group, status);
}

DEBUGGERD_EXPORT void exit(int status) { end(&next.exit, "exit", status); }
DEBUGGERD_EXPORT void _exit(int status) { end(&next._exit, "_exit", status); }
DEBUGGERD_EXPORT void _Exit(int status) { end(&next._exit, "_exit", status); }
DEBUGGERD_EXPORT void quick_exit(int status) { end(&next.quick_exit, "quick_exit", status); }
