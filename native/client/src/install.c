/* All functions here run in ordinary context. */
#include "install.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "abort-message.h"
#include "alternate-stack.h"
#include "crash-end.h"
#include "crash-handler.h"
#include "crash-report.h"
#include "debuggerd/client.h"
#include "first-stack.h"
#include "permitted-calls.h"
#include "program-actions.h"
#include "reserved-descriptor.h"
#include "terminate-message.h"

/* Those that are handled, or will be. */
static kernel_set chosen = PROGRAM_SIGNALS;
static bool installed;

/* A program of its own may have a function of that name; the C library's is what its own checks call. */
static void (*find_abort(void))(void) { return abort; }

int install_handlers(char *const *environment) {
  if (__atomic_exchange_n(&installed, true, __ATOMIC_ACQ_REL)) return 0;

  const int saved_errno = errno;
  int failure = 0;
  crash_report_address = debuggerd_address_of_process(environment);
  debuggerd_libc_message = debuggerd_find_libc_message();
  terminate_message_install();
  crash_end_abort = (uintptr_t)find_abort();
  permitted_calls_begin();
  if (!permitted_calls_unknown()) reserved_descriptor_begin();
  first_stack_use();
  for (int signal = 1; signal < 64; signal++) {
    if ((chosen & signal_bit(signal)) != 0 && !crash_handler_install(signal)) failure = EINVAL;
  }
  errno = failure != 0 ? failure : saved_errno;
  return failure != 0 ? -1 : 0;
}

int debuggerd_set_signals(uint64_t signals) {
  int failure = (signals & ~PROGRAM_SIGNALS) != 0 ? EINVAL : 0;
  if (failure == 0) {
    chosen = signals;
    program_actions_choose(signals);
    for (int signal = 1; installed && signal < 64; signal++) {
      if ((signals & signal_bit(signal)) == 0 || program_actions_hold(signal)) continue;
      if (!crash_handler_install(signal)) failure = EINVAL;
    }
  }
  if (failure == 0) return 0;
  errno = failure;
  return -1;
}

void debuggerd_set_filter(debuggerd_filter *filter, void *cookie) {
  crash_handler_filter_cookie = cookie;
  __atomic_store_n(&crash_handler_filter, filter, __ATOMIC_RELEASE);
}

int debuggerd_install_handlers(void) { return install_handlers(NULL); }

int debuggerd_protect_thread(void) {
  struct arena_stack *stack = alternate_stack_take();
  return stack != NULL && alternate_stack_use(stack) ? 0 : -1;
}
