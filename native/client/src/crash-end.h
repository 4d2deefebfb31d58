/* How a process ends by the signal that it crashed of, as it would have without us. */
#ifndef DEBUGGERD_CRASH_END_H
#define DEBUGGERD_CRASH_END_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine-context.h"

/* Where abort(3) begins, or 0. Set before the handler is installed. */
extern uintptr_t crash_end_abort;

/*
 * Whether abort(3) has raised the signal: it will not let the program go on, whatever a handler does. Runs in the
 * signal handler of a crashed thread.
 */
bool crash_end_from_abort(int signal, const siginfo_t *info, const ucontext_t *context);

/*
 * The handler is to return after this, and at the very instruction of the crash, with the registers and the siginfo of
 * the crash, the process dies of it (or stops, if the daemon has attached). `has_context`: the kernel has passed one.
 * Runs in the signal handler of a crashed thread.
 */
void crash_end_die(int pid, int tid, int signal, const siginfo_t *info, ucontext_t *context, bool has_context);

#endif
