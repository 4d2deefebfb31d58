/*
 * A child that shares our memory and runs one function of ours while the calling thread waits (clone(2)). Any context.
 */
#ifndef DEBUGGERD_CHILD_PROCESS_H
#define DEBUGGERD_CHILD_PROCESS_H

#include <stdbool.h>
#include <ucontext.h>

/*
 * Returns when the child has ended, by itself or by a signal: its pid, or -4095..-1. It stays a zombie that only
 * wait4(2) with __WALL sees; its end raises no signal. All signals but SIGSYS must be blocked: the child would run the
 * program's handlers. `run` calls nothing of libc's, and has little stack.
 */
long child_process_run(void (*run)(void *), void *argument);

/*
 * In the handler of a SIGSYS that clone(2) has got: if the call was that of `child_process_run`, it fails with ENOSYS
 * when the handler returns, and this is true.
 */
bool child_process_refuse(ucontext_t *context);

#endif
