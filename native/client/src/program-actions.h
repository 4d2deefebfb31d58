/*
 * What the program has installed for the signals that we handle: what it sees when it asks, and what is called before a
 * signal counts as a crash. In the kernel stands our handler.
 */
#ifndef DEBUGGERD_PROGRAM_ACTIONS_H
#define DEBUGGERD_PROGRAM_ACTIONS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "debuggerd/client.h"
#include "kernel-action.h"

struct program_action {
  /* SIG_DFL, SIG_IGN, or a function. */
  uintptr_t handler;
  unsigned long flags;
  kernel_set mask;
  /* It was there before our handlers were installed: called after the report, not instead of it. */
  bool earlier;
};

typedef void kernel_handler(int signal, siginfo_t *info, void *context);

/* The signals that may be handled: a bit each. */
#define PROGRAM_SIGNALS                                                                                       \
  (DEBUGGERD_SIGNAL(SIGABRT) | DEBUGGERD_SIGNAL(SIGBUS) | DEBUGGERD_SIGNAL(SIGFPE) | DEBUGGERD_SIGNAL(SIGILL) | \
   DEBUGGERD_SIGNAL(SIGSEGV) | DEBUGGERD_SIGNAL(SIGSTKFLT) | DEBUGGERD_SIGNAL(SIGSYS) | DEBUGGERD_SIGNAL(SIGTRAP))

static inline bool is_function(uintptr_t handler) {
  return handler != (uintptr_t)SIG_DFL && handler != (uintptr_t)SIG_IGN && handler != (uintptr_t)SIG_ERR;
}

/* Puts `handler` into the kernel for one signal and keeps what was there as the program's. Ordinary context. */
bool program_actions_begin(int signal, kernel_handler *handler);

/* The handler that stands in the kernel. Any context. */
uintptr_t program_actions_handler(void);

/* Whether our handler stands in for the program's. Any context. */
bool program_actions_hold(int signal);

/* What the program has installed. Any context, the signal handler of a crashed thread included. */
struct program_action program_actions_get(int signal);

/*
 * Exchanges it. `action` or `before` may be null. False: the kernel refused. Any context: all signals are blocked
 * meanwhile, and another thread that is at it is waited for.
 */
bool program_actions_exchange(int signal, const struct program_action *action, struct program_action *before);

/*
 * What SA_RESETHAND asks for, unless the program has installed something else meanwhile. Signal handler of any thread.
 */
void program_actions_reset(int signal, uintptr_t handler);

/*
 * A runtime has put its own handler into the kernel by a system call of its own (Go, a sanitizer): it becomes the
 * program's, and ours stands before it again. Ordinary context.
 */
void program_actions_adopt(void);

/*
 * Hands back the signals that are not in the set, for good; those in it that are not held are not taken by this.
 * Ordinary context.
 */
void program_actions_choose(kernel_set signals);

/*
 * Gives the kernel what the program has installed, and stands aside from then on; taken back by
 * `program_actions_retake`. Ordinary context.
 */
void program_actions_hand_back(void);
void program_actions_retake(void);

/* Whether the calling process runs in the memory of its parent: a vfork child before its exec. Any context. */
bool shares_parents_memory(void);

#endif
