/*
 * Which system calls the handler may make: a seccomp filter may end the process for one, and then by SIGSYS instead of
 * the signal that it crashed of (seccomp(2)). Filters that the program puts on are looked at when it does
 * (interpose-filters.c); one that was there before the program started cannot be read, and is tried by a child.
 */
#ifndef DEBUGGERD_PERMITTED_CALLS_H
#define DEBUGGERD_PERMITTED_CALLS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

/* The calls by what they are for. */
enum permitted_call {
  /* getpid, gettid, rt_sigprocmask. */
  CALL_IDENTITY,
  CALL_SIGACTION,
  /* rt_tgsigqueueinfo; sigaltstack and rt_sigreturn, which come with it. */
  CALL_QUEUE,
  /* tgkill. */
  CALL_KILL,
  /* What crash-request.c cannot do without. */
  CALL_REPORT,
  /* prctl(PR_SET_PTRACER). */
  CALL_TRACER,
  /* getrlimit, setrlimit. */
  CALL_LIMIT,
  /* wait4, for the children that try. */
  CALL_WAIT,
  PERMITTED_CALLS,
};

/* Without these there is no report. The end is the program's own without any of them. */
#define CALLS_OF_A_REPORT (1u << CALL_IDENTITY | 1u << CALL_SIGACTION | 1u << CALL_QUEUE | 1u << CALL_REPORT)

/* A call as a filter sees it: its number, and its first argument where filters look at that. */
struct permitted_number {
  int number;
  enum permitted_call call;
  uint64_t first;
};

extern const struct permitted_number permitted_numbers[];
extern const size_t permitted_numbers_count;

extern unsigned permitted_calls;

/* Any context. */
static inline bool permitted(enum permitted_call call) {
  return (__atomic_load_n(&permitted_calls, __ATOMIC_RELAXED) >> call & 1) != 0;
}

/* From now on these (a bit each) are not made. Any context. */
static inline void permitted_calls_forbid(unsigned calls) { __atomic_fetch_and(&permitted_calls, ~calls,
                                                                               __ATOMIC_RELAXED); }

/*
 * Once: whether the program was started with a filter, about which nothing can be known but by trying. Ordinary
 * context.
 */
void permitted_calls_begin(void);

/* Whether that is still to be tried. Any context. */
bool permitted_calls_unknown(void);

/*
 * Tries, if so, the first time: before it no call is made that was not made at the start already. Signal handler of any
 * thread; the signal mask and errno stay as they are.
 */
void permitted_calls_find_out(void);

/*
 * Whether a SIGSYS has come of that trial, in the thread that makes it: a filter does not let it have a child. The call
 * then fails when the handler returns. Signal handler of any thread.
 */
bool permitted_calls_trapped(int signal, const siginfo_t *info, ucontext_t *context);

#endif
