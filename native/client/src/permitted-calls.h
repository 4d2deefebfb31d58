/*
 * Which system calls the handler may make: a seccomp filter may end the process for one, and then by SIGSYS instead of the signal that it
 * crashed of (seccomp(2)).
 */
#ifndef DEBUGGERD_PERMITTED_CALLS_H
#define DEBUGGERD_PERMITTED_CALLS_H

#include <stdbool.h>

/* The calls by what they are for. */
enum permitted_call {
  /* getpid, gettid, rt_sigprocmask. */
  CALL_IDENTITY,
  CALL_SIGACTION,
  /* rt_tgsigqueueinfo. */
  CALL_QUEUE,
  /* All of crash-request.c. */
  CALL_REPORT,
  PERMITTED_CALLS,
};

extern unsigned permitted_calls;

/* Any context. */
static inline bool permitted(enum permitted_call call) {
  return (__atomic_load_n(&permitted_calls, __ATOMIC_RELAXED) >> call & 1) != 0;
}

/* Once: whether the program was started with a filter, about which nothing can be known but by trying. Ordinary context. */
void permitted_calls_begin(void);

/* Tries, once, if so. Signal handler of any thread. */
void permitted_calls_find_out(void);

#endif
