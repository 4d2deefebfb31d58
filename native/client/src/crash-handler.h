/*
 * The signal handler: what happens in a process between a signal and its death, or its going on. The order: what the
 * program has installed after us; if that does not repair it, the report; then what was there before us, or the end.
 */
#ifndef DEBUGGERD_CRASH_HANDLER_H
#define DEBUGGERD_CRASH_HANDLER_H

#include <signal.h>
#include <stdbool.h>

#include "debuggerd/client.h"

/* Says whether a signal is to be reported; null: every one is. Set at any time. */
extern debuggerd_filter *crash_handler_filter;
extern void *crash_handler_filter_cookie;

/* Installs the handler for one signal. Ordinary context. */
bool crash_handler_install(int signal);

/*
 * The process is about to end by other means than a signal. Where a handler of the program's is at a fault, or
 * `always`, the report is made now. Any context but the handler of ours; the thread goes on afterwards.
 */
void crash_handler_before_end(bool always);

#endif
