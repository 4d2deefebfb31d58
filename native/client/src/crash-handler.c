#include "crash-handler.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#include "abort-message.h"
#include "crash-request.h"
#include "raw-syscall.h"
#include "single-reporter.h"

struct debuggerd_address crash_handler_address;

/* A bit for each signal that was ignored when the program was started: those that are sent are still ignored. */
static uint64_t started_ignored;

/* A signal set as the kernel has it on these CPUs: 8 bytes, signal n is bit n - 1. */
static uint64_t bit_of(int signal) { return (uint64_t)1 << (signal - 1); }

/* struct sigaction of rt_sigaction(2), the same order of fields on the four CPUs; not the C library's. */
struct kernel_action {
  uintptr_t handler;
  unsigned long flags;
  uintptr_t restorer;
  unsigned long mask[8 / sizeof(unsigned long)];
};

/*
 * Whether the kernel passed a siginfo and a context. A program that saved our handler and put it back by signal(2), or without
 * SA_SIGINFO, made a handler of one argument of it: on 32-bit CPUs the others are then whatever lay on the stack, and on 64-bit
 * ones the siginfo is not filled in. Runs in the signal handler of a crashed thread.
 */
static bool has_siginfo(int signal) {
  struct kernel_action action;
  if (raw_syscall4(__NR_rt_sigaction, signal, NULL, &action, 8) != 0) return false;
  return (action.flags & SA_SIGINFO) != 0;
}

/* Runs in the signal handler of a crashed thread. */
static void restore_default(int signal) {
  const struct kernel_action action = {.handler = (uintptr_t)SIG_DFL};
  raw_syscall4(__NR_rt_sigaction, signal, &action, NULL, 8);
}

/*
 * Makes the signal pending for this thread, with its own siginfo: the handler returns, and at the very instruction of the crash,
 * with the registers of the crash, the process dies of it (or stops, if the daemon has attached). Runs in the signal handler of a
 * crashed thread.
 */
static void raise_again(int pid, int tid, int signal, siginfo_t *info) {
  if (raw_syscall4(__NR_rt_tgsigqueueinfo, pid, tid, signal, info) == 0) return;
  if (raw_syscall3(__NR_tgkill, pid, tid, signal) == 0) return;
  /* A fault happens again on return. Anything else would not: end here, with a shell's status for the signal. */
  if (info->si_code <= 0) raw_syscall1(__NR_exit_group, 128 + signal);
}

/*
 * Lets the signal, and no other before it, arrive when the handler returns. The mask that is then restored may hold it: it did
 * not when the signal arrived, but may have been opened for one call only (sigsuspend, ppoll). Other signals would run their
 * handlers first, in place of the crashed instruction. Runs in the signal handler of a crashed thread.
 */
static void open_mask(int signal, void *context, bool has_context) {
  const uint64_t others = ~bit_of(signal);
#if defined(__x86_64__) || defined(__aarch64__)
  /* There is a context even if it was not asked for. */
  has_context = true;
#endif
  if (has_context) {
    /* The kernel's part of the C library's larger set. */
    memcpy(&((ucontext_t *)context)->uc_sigmask, &others, sizeof others);
  } else {
    /* A 32-bit handler of one argument: its frame is of another kind. The process dies here, inside of the handler. */
    raw_syscall4(__NR_rt_sigprocmask, SIG_SETMASK, &others, NULL, 8);
  }
}

/*
 * Runs in a crashed thread: its stack may be full (this runs on the alternate one), its heap broken, any lock held, its thread
 * pointer wrong. All signals are blocked: a fault in here ends the process at once. Nothing of libc is called but memcpy and memset,
 * where the compiler has not made moves of them.
 */
static void handle_crash(int signal, siginfo_t *info, void *context) {
  const int pid = raw_getpid();
  const int tid = raw_gettid();
  const bool whole = has_siginfo(signal);

  siginfo_t made_up = {.si_signo = signal};
  if (!whole) {
    made_up.si_code = SI_USER;
    made_up.si_pid = pid;
#if defined(__NR_getuid32)
    made_up.si_uid = (uid_t)raw_syscall0(__NR_getuid32);
#else
    made_up.si_uid = (uid_t)raw_syscall0(__NR_getuid);
#endif
    info = &made_up;
  }
  if ((started_ignored & bit_of(signal)) != 0 && whole && info->si_code <= 0) return;

  if (single_reporter_claim(pid, tid)) {
    const struct debuggerd_request request = {
        .action = DEBUGGERD_CRASH,
        .tid = tid,
        .abort_message_address = debuggerd_abort_message_address(signal),
        .original_si_code = info->si_code,
    };
    crash_request_send(&crash_handler_address, &request);
  }
  restore_default(signal);
  raise_again(pid, tid, signal, info);
  open_mask(signal, context, whole);
}

bool crash_handler_install(int signal) {
  struct sigaction before;
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
  action.sa_sigaction = handle_crash;
  sigfillset(&action.sa_mask);
  if (sigaction(signal, NULL, &before) != 0) return false;
  if ((before.sa_flags & SA_SIGINFO) == 0 && before.sa_handler == SIG_IGN) started_ignored |= bit_of(signal);
  return sigaction(signal, &action, NULL) == 0;
}
