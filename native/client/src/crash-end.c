/* All functions here run in the signal handler of a crashed thread (see crash-handler.c). */
#include "crash-end.h"

#include <stddef.h>

#include "permitted-calls.h"
#include "raw-syscall.h"
#include "readable-memory.h"

uintptr_t crash_end_abort;

enum {
  PAGE = 4096,
  /* Between the frame of abort(3) and the system call that it makes are those of raise(3). */
  ABORT_STACK_BYTES = 1024,
  ABORT_CODE_BYTES = 768,
};

/* A fault comes again when its instruction is run again. */
static bool is_fault(int signal, const siginfo_t *info) {
  return info->si_code > 0 && (signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL);
}

/* The return address into it lies on the stack above raise(3)'s frames. */
bool crash_end_from_abort(int signal, const siginfo_t *info, const ucontext_t *context) {
  if (signal != SIGABRT || info->si_code != SI_TKILL || crash_end_abort == 0) return false;
  const uintptr_t *words = (const uintptr_t *)(machine_sp(context) & ~(uintptr_t)(sizeof(uintptr_t) - 1));
  for (size_t index = 0; index < ABORT_STACK_BYTES / sizeof(uintptr_t); index++) {
    if (((uintptr_t)&words[index] & (PAGE - 1)) == 0 && !is_readable((uintptr_t)&words[index])) return false;
    if (words[index] - crash_end_abort < ABORT_CODE_BYTES) return true;
  }
  return false;
}

/*
 * Lets the signal, and no other before it, arrive when the handler returns. The mask that is then restored may hold it:
 * it did not when the signal arrived, but may have been opened for one call only (sigsuspend, ppoll). Other signals
 * would run their handlers first, in place of the crashed instruction.
 */
static void open_mask(int signal, ucontext_t *context, bool has_context) {
  const kernel_set others = ~signal_bit(signal);
#if defined(__x86_64__) || defined(__aarch64__)
  /* There is a context even if it was not asked for. */
  has_context = true;
#endif
  if (has_context) machine_set_mask(context, others);
  /* A 32-bit handler of one argument: its frame is of another kind. The process dies here, inside of the handler. */
  else kernel_mask_change(SIG_SETMASK, others, NULL);
}

void crash_end_die(int pid, int tid, int signal, const siginfo_t *info, ucontext_t *context, bool has_context) {
  const bool reset = permitted(CALL_SIGACTION) && kernel_action_set(signal, (uintptr_t)SIG_DFL, 0, 0);
  if (reset && permitted(CALL_QUEUE) && kernel_queue(pid, tid, signal, info)) {
    open_mask(signal, context, has_context);
    return;
  }
  if (is_fault(signal, info)) {
    /*
     * The fault comes again. While it is blocked, the kernel ends the process by it whatever its action is (signal(7)).
     */
    if (has_context) machine_set_mask(context, machine_mask(context) | signal_bit(signal));
    return;
  }
  if (reset && permitted(CALL_KILL) && raw_syscall3(__NR_tgkill, pid, tid, signal) == 0) {
    open_mask(signal, context, has_context);
    return;
  }
  /* abort(3) goes on to the end by itself. Otherwise: a shell's status for the signal. */
  if (has_context && crash_end_from_abort(signal, info, context)) return;
  raw_syscall1(__NR_exit_group, 128 + signal);
}
