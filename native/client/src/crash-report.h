/* The report of a crash: the daemon is asked, and the thread is put where the daemon is to see it. */
#ifndef DEBUGGERD_CRASH_REPORT_H
#define DEBUGGERD_CRASH_REPORT_H

#include <signal.h>
#include <stdbool.h>

#include "crash-episode.h"
#include "machine-context.h"
#include "socket-address.h"

/* Where the handler asks for the report. Set before it is installed, in ordinary context. */
extern struct debuggerd_address crash_report_address;

/*
 * True: the daemon has attached, and waits for the signal. Runs in the signal handler of a crashed thread, as all here.
 */
bool crash_report_ask(int pid, int tid, int signal, const siginfo_t *first);

/* Whether the signal comes to our handler: a runtime may have set its own by a system call. */
bool crash_report_comes_to_us(int signal);

/*
 * Lets the thread stand at the first fault, with its registers, and lets its signal come: the daemon sees what there
 * was before any handler ran. Then our handler gets it. `nested`: the fault's frame lies above frames of handlers,
 * which are to stay as they are. False: not possible.
 */
bool crash_report_stage(struct episode *episode, int pid, int tid, enum episode_outcome outcome, const siginfo_t *info,
                        ucontext_t *context, bool nested);

#endif
