/* One thread of a process reports; the others that crash meanwhile wait for the end, which is near. */
#ifndef DEBUGGERD_SINGLE_REPORTER_H
#define DEBUGGERD_SINGLE_REPORTER_H

#include <stdbool.h>

/*
 * True: the caller is the one that reports. False: another thread of this process is at it, and it has not ended the
 * process in a minute (a debugger may have kept its signal from it): die without a report. Between the two lies the
 * wait. Runs in the signal handler of a crashed thread.
 */
bool single_reporter_claim(int pid, int tid);

/*
 * The process goes on after the report: others may crash in it. Runs in the signal handler of the thread that reported.
 */
void single_reporter_release(int tid);

#endif
