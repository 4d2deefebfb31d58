/* All functions here run in ordinary context. */
#include "install.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "abort-message.h"
#include "alternate-stack.h"
#include "crash-handler.h"
#include "debuggerd/client.h"
#include "terminate-message.h"

static const int signals[] = {
    SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV,
#ifdef SIGSTKFLT
    SIGSTKFLT,
#endif
    SIGSYS, SIGTRAP,
};

int install_handlers(char *const *environment) {
  static bool installed;
  if (__atomic_exchange_n(&installed, true, __ATOMIC_ACQ_REL)) return 0;

  const int saved_errno = errno;
  int failure = 0;
  crash_handler_address = debuggerd_address_of_process(environment);
  debuggerd_libc_message = debuggerd_find_libc_message();
  terminate_message_install();
  /* Without memory for the stack the handlers still report all but an overflow. */
  debuggerd_protect_thread();
  for (size_t index = 0; index < sizeof signals / sizeof signals[0]; index++) {
    if (!crash_handler_install(signals[index]) && failure == 0) failure = errno;
  }
  errno = failure != 0 ? failure : saved_errno;
  return failure != 0 ? -1 : 0;
}

int debuggerd_install_handlers(void) { return install_handlers(NULL); }

int debuggerd_protect_thread(void) {
  struct arena_stack *stack = alternate_stack_take();
  return stack != NULL && alternate_stack_use(stack) ? 0 : -1;
}
