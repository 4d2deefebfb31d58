/*
 * Signal actions as the kernel has them, and signals that a thread sends to itself: rt_sigaction(2),
 * rt_tgsigqueueinfo(2), without libc. All run in any context, the signal handler of a crashed thread included.
 */
#ifndef DEBUGGERD_KERNEL_ACTION_H
#define DEBUGGERD_KERNEL_ACTION_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "raw-syscall.h"

/* A signal set as the kernel has it on these CPUs: 8 bytes, signal n is bit n - 1. */
typedef uint64_t kernel_set;

static inline kernel_set signal_bit(int signal) { return (kernel_set)1 << (signal - 1); }

/* struct sigaction of rt_sigaction(2), the same order of fields on the four CPUs; not the C library's. */
struct kernel_action {
  uintptr_t handler;
  unsigned long flags;
  uintptr_t restorer;
  unsigned long mask[8 / sizeof(unsigned long)];
};

/* Of x86 (asm/signal.h): `restorer` is the return address of the handler. x86_64 has no other. */
#define KERNEL_RESTORER_FLAG 0x04000000UL

static inline kernel_set kernel_mask(const struct kernel_action *action) {
#if __SIZEOF_LONG__ == 8
  return action->mask[0];
#else
  return (kernel_set)action->mask[1] << 32 | action->mask[0];
#endif
}

/* Makes `handler` (or SIG_DFL, SIG_IGN) the kernel's action. True: done. */
bool kernel_action_set(int signal, uintptr_t handler, unsigned long flags, kernel_set mask);

static inline bool kernel_action_get(int signal, struct kernel_action *action) {
  return raw_syscall4(__NR_rt_sigaction, signal, 0, action, 8) == 0;
}

/* As sigprocmask(2) with these sets; `before` may be null. */
static inline bool kernel_mask_change(int how, kernel_set set, kernel_set *before) {
  return raw_syscall4(__NR_rt_sigprocmask, how, &set, before, 8) == 0;
}

/* Makes a signal with this siginfo pending for the calling thread. */
static inline bool kernel_queue(int pid, int tid, int signal, const siginfo_t *info) {
  return raw_syscall4(__NR_rt_tgsigqueueinfo, pid, tid, signal, info) == 0;
}

#endif
