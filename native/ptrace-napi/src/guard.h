/* Work that the kernel may never come back from, done by a thread that is given up when it does not. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * Does the work on another thread and waits `milliseconds` for it. False: it is not done, and `context`, with all that
 * it leads to, is the other thread's for ever; the next work gets a new thread. The process ends with such a thread as
 * late as the kernel lets go of it.
 */
bool guard_run(void (*work)(void *context), void *context, double milliseconds);

/* The thread that waits for work, 0: none yet. */
pid_t guard_thread(void);
