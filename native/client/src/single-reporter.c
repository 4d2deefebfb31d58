#include "single-reporter.h"

#include <stddef.h>

#include "permitted-calls.h"
#include "raw-syscall.h"

/* The thread that reports, or 0. */
static int reporter;

enum { LONGEST_WAIT_ROUNDS = 240, ROUND_NANOSECONDS = 250 * 1000 * 1000 };

/*
 * Runs in the signal handler of a crashed thread. Only the kernel can say to which process a thread belongs: a forked
 * child finds its parent's claim in the memory that it copied, a vfork child shares the very variable with its parent.
 * A claim from another process, or of a thread that is gone, does not count.
 */
static bool is_thread_of(int pid, int tid) { return permitted(CALL_KILL) &&
                                            raw_syscall3(__NR_tgkill, pid, tid, 0) == 0; }

bool single_reporter_claim(int pid, int tid) {
  for (int round = 0; round < LONGEST_WAIT_ROUNDS; round++) {
    int found = __atomic_load_n(&reporter, __ATOMIC_ACQUIRE);
    /* This thread's own claim is from a crash whose signal a debugger kept back. */
    if (found == tid) return true;
    if (found == 0 || !is_thread_of(pid, found)) {
      if (__atomic_compare_exchange_n(&reporter, &found, tid, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return true;
      continue;
    }
    /* The process ends while this sleeps. */
    const struct {
      long seconds;
      long nanoseconds;
    } interval = {0, ROUND_NANOSECONDS};
    raw_syscall2(__NR_nanosleep, &interval, NULL);
  }
  return false;
}

void single_reporter_release(int tid) {
  __atomic_compare_exchange_n(&reporter, &tid, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}
