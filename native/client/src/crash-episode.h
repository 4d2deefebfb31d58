/*
 * What is known of a thread between the first fault and the end: the fault itself, whether a handler of the program's
 * is at it, and how far the report has come.
 */
#ifndef DEBUGGERD_CRASH_EPISODE_H
#define DEBUGGERD_CRASH_EPISODE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine-context.h"

/* Why the signal will come again. */
enum episode_stage {
  STAGE_NONE,
  /* From the alternate stack to the interrupted one, for a handler that wants to run there. */
  STAGE_MOVED,
  /* Ordinary code has asked for a report. */
  STAGE_ASKED,
  /* The daemon has looked at it. */
  STAGE_REPORTED,
};

/* What follows a report. */
enum episode_outcome {
  /* The end, by the signal. */
  OUTCOME_DIE,
  /* The thread goes on where it was: in abort(3), in exit(3), in a handler. */
  OUTCOME_RESUME,
  /* The handler that was there before ours decides. */
  OUTCOME_EARLIER,
};

struct episode {
  /* The first fault: what is reported. */
  siginfo_t info;
  struct machine_registers registers;
  /* The context that the program's handler has got, and where our own frame below it lies, with `mark` there. */
  ucontext_t *context;
  const volatile uintptr_t *frame;
  uintptr_t mark;
  /* The thread's alternate stack at that time. */
  stack_t alternate;
  /* The program's handler runs; it has returned otherwise. */
  bool active;
  /* It is reported already. */
  bool reported;
  /* How often the same instruction has faulted with the same registers. */
  unsigned repeats;

  enum episode_stage stage;
  enum episode_outcome outcome;
  int staged_signal;
  /* The alternate stack is another one meanwhile. */
  bool aside;
  /* What the thread comes back to after the stage, and the signal that it dies of then. */
  struct machine_registers here;
  kernel_set mask;
  stack_t stack;
  siginfo_t actual;
};

/*
 * The calling thread's, or null. There is room for some threads at a time: the record of one whose handler has returned
 * is given to another that needs it. All functions run in the signal handler of any thread; `episode_find` in any
 * context.
 */
struct episode *episode_find(int tid);
/* Whether any thread has had one. Any context. */
bool episode_any(void);
struct episode *episode_make(int tid);

/*
 * Whether the program's handler still runs below `sp`: it may have been left by siglongjmp(3), and its stack used
 * again.
 */
bool episode_is_live(const struct episode *episode, uintptr_t sp);

#endif
