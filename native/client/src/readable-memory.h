/*
 * Whether memory can be read, asked of the kernel without a fault. Any context, the signal handler of a crashed thread
 * included.
 */
#ifndef DEBUGGERD_READABLE_MEMORY_H
#define DEBUGGERD_READABLE_MEMORY_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "raw-syscall.h"

/*
 * The kernel copies the signal set in before it looks at `how` (sigprocmask(2)): EFAULT is said first, EINVAL only of
 * what could be read. True for all of the page.
 */
static inline bool is_readable(uintptr_t address) {
  return raw_syscall4(__NR_rt_sigprocmask, -1, address & ~(uintptr_t)7, 0, 8) == -EINVAL;
}

#endif
