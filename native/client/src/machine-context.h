/*
 * The registers of an interrupted thread in the ucontext_t that its handler got (asm/sigcontext.h): copied out, put in,
 * compared. All run in the signal handler of a crashed thread.
 */
#ifndef DEBUGGERD_MACHINE_CONTEXT_H
#define DEBUGGERD_MACHINE_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

#include "kernel-action.h"

enum {
#if defined(__x86_64__) || defined(__i386__)
  MACHINE_WORDS = NGREG,
#elif defined(__aarch64__)
  MACHINE_WORDS = 34,
#else
  MACHINE_WORDS = 17,
#endif
};

/* The general registers. On x86 the others stay where the kernel put them: `floating` is their address. */
struct machine_registers {
  uintptr_t words[MACHINE_WORDS];
  uintptr_t floating;
};

static inline uintptr_t *machine_words(ucontext_t *context) {
#if defined(__x86_64__) || defined(__i386__)
  return (uintptr_t *)context->uc_mcontext.gregs;
#elif defined(__aarch64__)
  return (uintptr_t *)context->uc_mcontext.regs;
#else
  return (uintptr_t *)&context->uc_mcontext.arm_r0;
#endif
}

static inline void machine_save(const ucontext_t *context, struct machine_registers *to) {
  const uintptr_t *from = machine_words((ucontext_t *)context);
  for (int word = 0; word < MACHINE_WORDS; word++) to->words[word] = from[word];
#if defined(__x86_64__) || defined(__i386__)
  to->floating = (uintptr_t)context->uc_mcontext.fpregs;
#else
  to->floating = 0;
#endif
}

/* What the thread has when the handler returns. */
static inline void machine_restore(ucontext_t *context, const struct machine_registers *from) {
  uintptr_t *to = machine_words(context);
  for (int word = 0; word < MACHINE_WORDS; word++) to[word] = from->words[word];
#if defined(__x86_64__) || defined(__i386__)
  context->uc_mcontext.fpregs = (fpregset_t)from->floating;
#endif
}

static inline uintptr_t machine_sp(const ucontext_t *context) {
#if defined(__x86_64__)
  return (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
#elif defined(__i386__)
  return (uintptr_t)context->uc_mcontext.gregs[REG_ESP];
#elif defined(__aarch64__)
  return (uintptr_t)context->uc_mcontext.sp;
#else
  return (uintptr_t)context->uc_mcontext.arm_sp;
#endif
}

/*
 * Whether the same instruction was interrupted with the same registers: flags and what tells of the fault are left out.
 */
static inline bool machine_same(const ucontext_t *context, const struct machine_registers *other) {
  const uintptr_t *own = machine_words((ucontext_t *)context);
  for (int word = 0; word < MACHINE_WORDS; word++) {
#if defined(__x86_64__)
    if (word > REG_RIP) break;
#elif defined(__i386__)
    if (word < REG_EDI || (word > REG_EAX && word != REG_EIP)) continue;
#elif defined(__aarch64__)
    if (word > 32) break;
#else
    if (word > 15) break;
#endif
    if (own[word] != other->words[word]) return false;
  }
  return true;
}

/* Part of the C library's larger set. */
typedef kernel_set __attribute__((aligned(4), may_alias)) context_set;

/* The signals that are blocked when the handler returns. */
static inline kernel_set machine_mask(const ucontext_t *context) {
  return *(const context_set *)&context->uc_sigmask;
}

static inline void machine_set_mask(ucontext_t *context, kernel_set mask) {
  *(context_set *)&context->uc_sigmask = mask;
}

/*
 * Leaves the handler that was called with `context`, as its return would, with `stack` as the thread's alternate stack.
 * The return itself cannot change it: since Linux 6.12 x86's kernel looks at the alternate stack before it leaves it,
 * and refuses (sigaltstack(2), EPERM). All signals must be blocked.
 */
__attribute__((noreturn)) void machine_leave(ucontext_t *context, const stack_t *stack);

/* Whether `address` lies on the alternate stack that the thread had when it was interrupted. */
static inline bool machine_on_alternate(const ucontext_t *context, uintptr_t address) {
  const stack_t *stack = &context->uc_stack;
  return (stack->ss_flags & SS_DISABLE) == 0 && address - (uintptr_t)stack->ss_sp < stack->ss_size;
}

#endif
