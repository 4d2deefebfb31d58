/*
 * Stands before the C library's functions that install signal handlers: for the signals that we handle, the program's
 * handlers go into our table (see program-actions.h), and it sees there what it has put there itself. In the shared
 * library only.
 *
 * Each may be called in any context in which the C library's own may: in a signal handler too. A vfork child has its
 * parent's memory but signal actions of its own: it talks to the kernel.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "debuggerd/client.h"
#include "interposed.h"
#include "next-function.h"
#include "program-actions.h"

typedef void handler(int);

/* Not in every C library's headers. */
DEBUGGERD_EXPORT int __sigaction(int signal, const struct sigaction *action, struct sigaction *before);
DEBUGGERD_EXPORT handler *bsd_signal(int number, handler *function);
DEBUGGERD_EXPORT handler *ssignal(int number, handler *function);
DEBUGGERD_EXPORT handler *sysv_signal(int number, handler *function);
DEBUGGERD_EXPORT handler *__sysv_signal(int number, handler *function);

/* Signals for which siginterrupt(3) has been called: those that signal(3) is to install without SA_RESTART. */
static kernel_set interrupting;

static struct {
  void *sigaction;
  void *signal;
  void *sysv_signal;
  void *sigset;
  void *sigignore;
  void *siginterrupt;
  void *sigvec;
} next;

void interposed_actions_begin(void) {
  next_function(&next.sigaction, "sigaction");
  next_function(&next.signal, "signal");
  next_function(&next.sysv_signal, "__sysv_signal");
  next_function(&next.sigset, "sigset");
  next_function(&next.sigignore, "sigignore");
  next_function(&next.siginterrupt, "siginterrupt");
}

/* The kernel's part of the C library's larger set: on all CPUs here its first 8 bytes, signal n at bit n - 1. */
static kernel_set from_library(const sigset_t *set) {
  const unsigned char *bytes = (const unsigned char *)set;
  kernel_set found = 0;
  for (size_t index = 0; index < sizeof found; index++) found |= (kernel_set)bytes[index] << index * 8;
  return found;
}

static void to_library(kernel_set from, sigset_t *set) {
  unsigned char *bytes = (unsigned char *)set;
  for (size_t index = 0; index < sizeof *set; index++)
    bytes[index] = index < sizeof from ? (unsigned char)(from >> index * 8) : 0;
}

static void to_program(const struct program_action *from, struct sigaction *action) {
  action->sa_handler = (handler *)from->handler;
  to_library(from->mask, &action->sa_mask);
  action->sa_flags = (int)from->flags;
#if defined(__x86_64__)
  /* As the C library has it from the kernel. */
  if (is_function(from->handler)) action->sa_flags |= (int)KERNEL_RESTORER_FLAG;
#endif
  action->sa_restorer = NULL;
}

static bool ours(int signal) { return program_actions_hold(signal) && !shares_parents_memory(); }

/* The kernel never blocks these two (sigaction(2)). */
#define UNBLOCKABLE (signal_bit(SIGKILL) | signal_bit(SIGSTOP))

static int exchange(int signal, const struct program_action *action, struct program_action *before) {
  if (program_actions_exchange(signal, action, before)) return 0;
  errno = EINVAL;
  return -1;
}

static int change(int signal, const struct sigaction *action, struct sigaction *before) {
  struct program_action wanted;
  struct program_action old;
  if (action != NULL) {
    wanted = (struct program_action){
        .handler = (uintptr_t)action->sa_handler,
        .flags = (unsigned long)(unsigned)action->sa_flags & ~KERNEL_RESTORER_FLAG,
        .mask = from_library(&action->sa_mask) & ~UNBLOCKABLE,
    };
  }
  if (exchange(signal, action != NULL ? &wanted : NULL, &old) != 0) return -1;
  if (before != NULL) to_program(&old, before);
  return 0;
}

/*
 * For a vfork child, and for signals that are not ours: what stands in the kernel is never shown if it is our handler.
 */
static int pass_on(int signal, const struct sigaction *action, struct sigaction *before) {
  int (*const call)(int, const struct sigaction *, struct sigaction *) = next_function(&next.sigaction, "sigaction");
  if (call == NULL) {
    errno = ENOSYS;
    return -1;
  }
  const int result = call(signal, action, before);
  if (result == 0 && before != NULL && program_actions_hold(signal) &&
      (uintptr_t)before->sa_handler == program_actions_handler()) {
    const struct program_action seen = program_actions_get(signal);
    to_program(&seen, before);
  }
  return result;
}

DEBUGGERD_EXPORT int sigaction(int signal, const struct sigaction *action, struct sigaction *before) {
  return ours(signal) ? change(signal, action, before) : pass_on(signal, action, before);
}

DEBUGGERD_EXPORT int __sigaction(int signal, const struct sigaction *action, struct sigaction *before) {
  return sigaction(signal, action, before);
}

/* What the kinds of signal(3) have in common: SIG_ERR with errno, or the handler that was there. */
static handler *install(int signal, handler *function, unsigned long flags, kernel_set mask) {
  struct program_action before;
  const struct program_action wanted = {.handler = (uintptr_t)function, .flags = flags, .mask = mask};
  if (function == SIG_ERR) {
    errno = EINVAL;
    return SIG_ERR;
  }
  if (!ours(signal)) {
    struct sigaction action;
    struct sigaction old;
    to_program(&wanted, &action);
    action.sa_flags = (int)flags;
    return pass_on(signal, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
  }
  return exchange(signal, &wanted, &before) == 0 ? (handler *)before.handler : SIG_ERR;
}

/* With BSD's meaning: the handler stays, its signal is blocked meanwhile, calls go on. */
DEBUGGERD_EXPORT handler *signal(int number, handler *function) {
  if (!program_actions_hold(number)) {
    handler *(*const call)(int, handler *) = next_function(&next.signal, "signal");
    if (call != NULL) return call(number, function);
  }
  if (number < 1 || number > 64) {
    errno = EINVAL;
    return SIG_ERR;
  }
  const bool interrupts = (__atomic_load_n(&interrupting, __ATOMIC_RELAXED) & signal_bit(number)) != 0;
  return install(number, function, interrupts ? 0 : SA_RESTART, signal_bit(number));
}

DEBUGGERD_EXPORT handler *bsd_signal(int number, handler *function) { return signal(number, function); }
DEBUGGERD_EXPORT handler *ssignal(int number, handler *function) { return signal(number, function); }

/* With System V's: the handler goes with its first signal, which may come again meanwhile. */
DEBUGGERD_EXPORT handler *__sysv_signal(int number, handler *function) {
  if (!program_actions_hold(number)) {
    handler *(*const call)(int, handler *) = next_function(&next.sysv_signal, "__sysv_signal");
    if (call != NULL) return call(number, function);
  }
  if (number < 1 || number > 64) {
    errno = EINVAL;
    return SIG_ERR;
  }
  return install(number, function, SA_RESETHAND | SA_NODEFER, 0);
}

DEBUGGERD_EXPORT handler *sysv_signal(int number, handler *function) { return __sysv_signal(number, function); }

/* sigset(3): blocks or unblocks the signal besides. */
DEBUGGERD_EXPORT handler *sigset(int number, handler *function) {
  if (!program_actions_hold(number)) {
    handler *(*const call)(int, handler *) = next_function(&next.sigset, "sigset");
    if (call != NULL) return call(number, function);
    errno = EINVAL;
    return SIG_ERR;
  }
  kernel_set mask = 0;
  const bool hold = function == SIG_HOLD;
  kernel_mask_change(SIG_BLOCK, hold ? signal_bit(number) : 0, &mask);
  const bool held = (mask & signal_bit(number)) != 0;
  struct program_action before = program_actions_get(number);
  if (!hold) {
    handler *const old = install(number, function, 0, 0);
    if (old == SIG_ERR) return SIG_ERR;
    before.handler = (uintptr_t)old;
    kernel_mask_change(SIG_UNBLOCK, signal_bit(number), NULL);
  }
  return held ? SIG_HOLD : (handler *)before.handler;
}

DEBUGGERD_EXPORT int sigignore(int number) {
  if (!program_actions_hold(number)) {
    int (*const call)(int) = next_function(&next.sigignore, "sigignore");
    if (call != NULL) return call(number);
  }
  struct sigaction action = {.sa_handler = SIG_IGN};
  return sigaction(number, &action, NULL);
}

DEBUGGERD_EXPORT int siginterrupt(int number, int interrupts) {
  if (!program_actions_hold(number)) {
    int (*const call)(int, int) = next_function(&next.siginterrupt, "siginterrupt");
    if (call != NULL) return call(number, interrupts);
    errno = EINVAL;
    return -1;
  }
  struct sigaction action;
  if (sigaction(number, NULL, &action) != 0) return -1;
  if (interrupts != 0) {
    __atomic_fetch_or(&interrupting, signal_bit(number), __ATOMIC_RELAXED);
    action.sa_flags &= ~SA_RESTART;
  } else {
    __atomic_fetch_and(&interrupting, ~signal_bit(number), __ATOMIC_RELAXED);
    action.sa_flags |= SA_RESTART;
  }
  return sigaction(number, &action, NULL);
}

/*
 * struct sigvec of 4.2BSD, which glibc's headers no longer have; its function serves programs that were linked before
 * 2.21.
 */
struct sigvec {
  handler *sv_handler;
  int sv_mask;
  int sv_flags;
};
enum { SV_ONSTACK = 1, SV_INTERRUPT = 2, SV_RESETHAND = 4 };

DEBUGGERD_EXPORT int sigvec(int number, const struct sigvec *vector, struct sigvec *before);
DEBUGGERD_EXPORT int sigvec(int number, const struct sigvec *vector, struct sigvec *before) {
  if (!program_actions_hold(number)) {
    int (*const call)(int, const struct sigvec *, struct sigvec *) = next_function(&next.sigvec, "sigvec");
    if (call != NULL) return call(number, vector, before);
  }
  struct sigaction action = {.sa_flags = 0};
  struct sigaction old;
  if (vector != NULL) {
    action.sa_handler = vector->sv_handler;
    to_library((unsigned)vector->sv_mask, &action.sa_mask);
    if ((vector->sv_flags & SV_ONSTACK) != 0) action.sa_flags |= SA_ONSTACK;
    if ((vector->sv_flags & SV_INTERRUPT) == 0) action.sa_flags |= SA_RESTART;
    if ((vector->sv_flags & SV_RESETHAND) != 0) action.sa_flags |= (int)SA_RESETHAND;
  }
  if (sigaction(number, vector != NULL ? &action : NULL, &old) != 0) return -1;
  if (before != NULL) {
    before->sv_handler = old.sa_handler;
    before->sv_mask = (int)from_library(&old.sa_mask);
    before->sv_flags = ((old.sa_flags & SA_ONSTACK) != 0 ? SV_ONSTACK : 0) |
                       ((old.sa_flags & SA_RESTART) == 0 ? SV_INTERRUPT : 0) |
                       (((unsigned)old.sa_flags & SA_RESETHAND) != 0 ? SV_RESETHAND : 0);
  }
  return 0;
}
