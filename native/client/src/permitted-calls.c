/*
 * What a filter makes of a call is known when the call is made, and the answer may be the end of the process. So a
 * child makes the calls: it shares our memory (a copy of a large process takes too long), has descriptors and signal
 * actions of its own, and notes how far it has come. That clone(2) itself does not end the process cannot be tried: it
 * is presumed.
 */
#include "permitted-calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "child-process.h"
#include "kernel-action.h"
#include "raw-socket.h"
#include "raw-syscall.h"

#define ALL_CALLS ((1u << PERMITTED_CALLS) - 1)

unsigned permitted_calls = ALL_CALLS;

const struct permitted_number permitted_numbers[] = {
    {__NR_getpid, CALL_IDENTITY, 0},
    {__NR_gettid, CALL_IDENTITY, 0},
    {__NR_rt_sigprocmask, CALL_IDENTITY, SIG_SETMASK},
    {__NR_rt_sigaction, CALL_SIGACTION, SIGSEGV},
    {__NR_rt_tgsigqueueinfo, CALL_QUEUE, 0},
    {__NR_rt_sigreturn, CALL_QUEUE, 0},
    {__NR_sigaltstack, CALL_QUEUE, 0},
    {__NR_tgkill, CALL_KILL, 0},
#if defined(__i386__)
    {__NR_socketcall, CALL_REPORT, RAW_SOCKET},
    {__NR_socketcall, CALL_REPORT, RAW_CONNECT},
    {__NR_socketcall, CALL_REPORT, RAW_SEND},
    {__NR_socketcall, CALL_REPORT, RAW_SETSOCKOPT},
    {__NR_socketcall, CALL_REPORT, RAW_GETSOCKOPT},
#else
    {__NR_socket, CALL_REPORT, AF_UNIX},
    {__NR_connect, CALL_REPORT, 3},
#if defined(__arm__)
    {__NR_send, CALL_REPORT, 3},
#else
    {__NR_sendto, CALL_REPORT, 3},
#endif
    {__NR_setsockopt, CALL_REPORT, 3},
    {__NR_getsockopt, CALL_REPORT, 3},
#endif
    {__NR_read, CALL_REPORT, 3},
    {__NR_close, CALL_REPORT, 3},
    {__NR_clock_gettime, CALL_REPORT, 1},
    {RAW_GETEUID, CALL_REPORT, 0},
    {__NR_nanosleep, CALL_REPORT, 0},
    {__NR_prctl, CALL_TRACER, PR_SET_PTRACER},
    {RAW_GETRLIMIT, CALL_LIMIT, RLIMIT_NOFILE},
    {__NR_setrlimit, CALL_LIMIT, RLIMIT_NOFILE},
    {__NR_wait4, CALL_WAIT, 0},
};
const size_t permitted_numbers_count = sizeof permitted_numbers / sizeof permitted_numbers[0];

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif

/* Not yet known what a filter permits that was there at the start. */
static bool pending;

/* The line of /proc/self/status that tells of a filter (proc_pid_status(5)). */
static const char filtered[] = "\nSeccomp:\t2";

/*
 * The loader has opened, read and closed files under the same filter just before. Of a static program this is not
 * known, but prctl(2), which would tell too, is in fewer lists of permitted calls.
 */
static bool has_filter(void) {
#if defined(__NR_open) && !defined(__GLIBC__)
  const long fd = raw_syscall2(__NR_open, "/proc/self/status", O_RDONLY | O_CLOEXEC);
#else
  const long fd = raw_syscall3(__NR_openat, AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC);
#endif
  if (fd < 0) return raw_syscall1(__NR_prctl, PR_GET_SECCOMP) == 2;
  char text[1024];
  size_t matched = 0;
  long count;
  /* A user in many groups has a long line of them before it. */
  while (filtered[matched] != '\0' && (count = raw_syscall3(__NR_read, fd, text, sizeof text)) > 0) {
    for (long index = 0; index < count && filtered[matched] != '\0'; index++) {
      matched = text[index] == filtered[matched] ? matched + 1 : text[index] == '\n';
    }
  }
  raw_syscall1(__NR_close, fd);
  return filtered[matched] == '\0';
}

void permitted_calls_begin(void) { pending = has_filter(); }

bool permitted_calls_unknown(void) { return __atomic_load_n(&pending, __ATOMIC_ACQUIRE); }

/* What the child tells, in memory that both have. */
struct trial {
  /* The first call that is to be tried, and the one that it is at. */
  volatile unsigned at;
  volatile unsigned passed;
};

/* A call on no descriptor does nothing, and the kernel's answer is known. */
static bool on_no_descriptor(long result) { return result == -EBADF; }

/*
 * Runs in the child, all signals blocked. Whether the kernel's own answers come: a filter may give an error number too
 * (SECCOMP_RET_ERRNO).
 */
static bool answers(enum permitted_call call) {
  const int pid = raw_getpid();
  switch (call) {
    case CALL_IDENTITY: return pid > 0 && raw_gettid() > 0 && kernel_mask_change(SIG_SETMASK, ~(kernel_set)0, NULL);
    case CALL_SIGACTION: {
      struct kernel_action action;
      return kernel_action_get(SIGSEGV, &action) && kernel_action_set(SIGSEGV, (uintptr_t)SIG_DFL, 0, 0);
    }
    case CALL_QUEUE: {
      /* It stays pending, and ends with the child. */
      const siginfo_t info = {.si_signo = SIGSEGV, .si_code = SI_QUEUE};
      stack_t stack;
      return kernel_queue(pid, raw_gettid(), SIGSEGV, &info) && raw_syscall2(__NR_sigaltstack, NULL, &stack) == 0;
    }
    case CALL_KILL: return raw_syscall3(__NR_tgkill, pid, raw_gettid(), 0) == 0;
    case CALL_REPORT: {
      long time[2] = {0, 0};
      long word = 0;
      unsigned length = sizeof word;
      const long fd = raw_socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC);
      if (fd < 0 && fd != -EMFILE && fd != -ENFILE && fd != -ENOMEM && fd != -ENOBUFS) return false;
      return on_no_descriptor(raw_setsockopt(-1, SOL_SOCKET, SO_TYPE, &word, sizeof word)) &&
             on_no_descriptor(raw_getsockopt(-1, SOL_SOCKET, SO_TYPE, &word, &length)) &&
             on_no_descriptor(raw_connect(-1, &word, sizeof word)) &&
                 on_no_descriptor(raw_send(-1, &word, 1, MSG_NOSIGNAL)) &&
             on_no_descriptor(raw_syscall3(__NR_read, -1, &word, 1)) &&
                 on_no_descriptor(raw_syscall1(__NR_close, -1)) &&
             raw_syscall2(__NR_nanosleep, time, NULL) == 0 &&
             raw_syscall2(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, time) == 0 &&
             raw_syscall0(RAW_GETEUID) >= 0;
    }
    case CALL_TRACER: {
      const long result = raw_syscall5(__NR_prctl, PR_SET_PTRACER, pid, 0, 0, 0);
      return result == 0 || result == -EINVAL;
    }
    case CALL_LIMIT: {
      unsigned long limit[2];
      return raw_syscall2(RAW_GETRLIMIT, RLIMIT_NOFILE, limit) == 0 &&
          raw_syscall2(__NR_setrlimit, RLIMIT_NOFILE, limit) == 0;
    }
    default: return raw_syscall4(__NR_wait4, -1, 0, WNOHANG | __WALL, 0) == -ECHILD;
  }
}

/*
 * Runs in the child. A SIGSYS that is blocked ends it; of that a core would be dumped: 1 is the limit that no core is
 * made with, not for a pipe either (core(5)).
 */
static void try_calls(void *argument) {
  struct trial *const trial = argument;
  uint64_t limit[2];
  kernel_mask_change(SIG_SETMASK, ~(kernel_set)0, NULL);
  if (raw_syscall4(__NR_prlimit64, 0, RLIMIT_CORE, 0, limit) != 0) return;
  limit[0] = limit[1] != 0;
  if (raw_syscall4(__NR_prlimit64, 0, RLIMIT_CORE, limit, 0) != 0) return;
  while (trial->at < PERMITTED_CALLS) {
    const unsigned call = trial->at;
    if (answers((enum permitted_call)call)) trial->passed |= 1u << call;
    trial->at = call + 1;
  }
}

void permitted_calls_find_out(void) {
  if (!permitted_calls_unknown()) return;
  /*
   * Made at the start already. The child must not run handlers of the program's in our memory; see
   * permitted_calls_trapped for SIGSYS.
   */
  kernel_set before;
  if (!kernel_mask_change(SIG_SETMASK, ~signal_bit(SIGSYS), &before)) before = 0;
  struct trial trial = {.at = 0, .passed = 0};
  unsigned waiting[PERMITTED_CALLS];
  unsigned children = 0;
  while (trial.at < PERMITTED_CALLS) {
    const long child = child_process_run(try_calls, &trial);
    if (child < 0) {
      trial.passed = 0;
      break;
    }
    waiting[children++] = (unsigned)child;
    /* It has died of this one. */
    if (trial.at < PERMITTED_CALLS) trial.at++;
  }
  if ((trial.passed & 1u << CALL_WAIT) != 0) {
    while (children > 0) raw_syscall4(__NR_wait4, waiting[--children], 0, __WALL, 0);
  }
  permitted_calls_forbid(ALL_CALLS & ~trial.passed);
  __atomic_store_n(&pending, false, __ATOMIC_RELEASE);
  kernel_mask_change(SIG_SETMASK, before, NULL);
}

bool permitted_calls_trapped(int signal, const siginfo_t *info, ucontext_t *context) {
  if (signal != SIGSYS || info == NULL || !permitted_calls_unknown()) return false;
  if (info->si_code != SYS_SECCOMP || info->si_syscall != __NR_clone) return false;
  return child_process_refuse(context);
}
