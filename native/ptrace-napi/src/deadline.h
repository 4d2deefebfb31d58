/* waitpid with a deadline. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct {
  int64_t at; /* CLOCK_MONOTONIC, nanoseconds */
  int timer;  /* kernel timer id, -1: none yet */
} Deadline;

void deadline_start(Deadline *deadline, double milliseconds);
/*
 * Waits for a tracee or child of this thread. Returns its id, 0 when the deadline has passed first, or -1 with errno.
 * Stops usually come within 10 to 50 us, so there is one look without blocking first and no timer for those that are
 * there.
 */
pid_t deadline_wait(Deadline *deadline, pid_t tid, int *status);
void deadline_end(Deadline *deadline);
