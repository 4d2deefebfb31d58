#include "program-actions.h"

#include <stddef.h>
#include <sys/mman.h>

enum {
  SIGNALS = 32,
  /* How often an entry is looked at while it is written: without a pause, and at all. */
  SHORT_WRITE = 1000,
  LONGEST_WRITE = 20 * 1000,
};

/*
 * Written under `lock` with all signals blocked, `version` odd meanwhile: read at any time, by whoever sees it even and
 * unchanged.
 */
static struct entry {
  unsigned version;
  bool held;
  struct program_action action;
} entries[SIGNALS];

/* The process whose thread is at it, 0: none. A forked child may have copied its parent's. */
static int lock;
static kernel_handler *ours;

/* Those that may be taken back. */
static kernel_set chosen = PROGRAM_SIGNALS;

/*
 * Zero in a child that was forked; in one made by vfork the parent's, as all of its memory (madvise(2),
 * MADV_WIPEONFORK).
 */
static int *owner;

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

/* Ordinary context, once. No call that a sanitizer intercepts: its runtime may not be up. */
static void make_owner(void) {
  /* A page of its own: the rest of it is wiped with it. */
#if defined(__aarch64__)
  enum { PAGE = 65536 };
#else
  enum { PAGE = 4096 };
#endif
  static _Alignas(PAGE) int wiped[PAGE / sizeof(int)];
  static int kept;
  owner = raw_syscall3(__NR_madvise, wiped, PAGE, MADV_WIPEONFORK) == 0 ? wiped : &kept;
  __atomic_store_n(owner, raw_getpid(), __ATOMIC_RELAXED);
}

bool shares_parents_memory(void) {
  if (owner == NULL) return false;
  const int pid = raw_getpid();
  const int known = __atomic_load_n(owner, __ATOMIC_RELAXED);
  if (known == pid) return false;
  /* Without MADV_WIPEONFORK the two kinds of child look alike; nearly all are forked. */
  if (known == 0) __atomic_store_n(owner, pid, __ATOMIC_RELAXED);
  return known != 0;
}

/*
 * Any context. A holder has its signals blocked, so it is another thread, and it runs; one of the parent's is not
 * there.
 */
static kernel_set enter(void) {
  kernel_set before = 0;
  kernel_mask_change(SIG_SETMASK, ~(kernel_set)0, &before);
  const int pid = raw_getpid();
  for (;;) {
    int holder = __atomic_load_n(&lock, __ATOMIC_RELAXED);
    if (holder != pid && __atomic_compare_exchange_n(&lock, &holder, pid, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
      return before;
    raw_syscall0(__NR_sched_yield);
  }
}

static void leave(kernel_set before) {
  __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
  kernel_mask_change(SIG_SETMASK, before, NULL);
}

/* Under the lock. */
static void store(struct entry *entry, const struct program_action *action) {
  /* Odd already in the copy of a parent whose thread was just here. */
  const unsigned version = __atomic_load_n(&entry->version, __ATOMIC_RELAXED) | 1;
  __atomic_store_n(&entry->version, version, __ATOMIC_RELAXED);
  __atomic_thread_fence(__ATOMIC_RELEASE);
  entry->action = *action;
  __atomic_store_n(&entry->version, version + 1, __ATOMIC_RELEASE);
}

/*
 * Under the lock. Our handler with what the kernel itself does as the program wants it: which signals are blocked
 * meanwhile, whether the interrupted call goes on. Where there is no function of the program's, nothing may come
 * between: everything is blocked.
 */
static bool tell_kernel(int signal, const struct program_action *action) {
  unsigned long flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  kernel_set mask = ~(kernel_set)0;
  if (is_function(action->handler) && !action->earlier) {
    flags = SA_SIGINFO | SA_ONSTACK | (action->flags & (SA_RESTART | SA_NODEFER));
    mask = action->mask;
  }
  return kernel_action_set(signal, (uintptr_t)ours, flags, mask);
}

bool program_actions_begin(int signal, kernel_handler *handler) {
  struct kernel_action found;
  struct program_action action = {.handler = (uintptr_t)SIG_DFL};
  if (owner == NULL) make_owner();
  ours = handler;
  if (!kernel_action_get(signal, &found)) return false;
  if (found.handler != (uintptr_t)handler) {
    action.handler = found.handler;
    action.flags = found.flags;
    action.mask = kernel_mask(&found);
    action.earlier = true;
  }
  const kernel_set before = enter();
  store(&entries[signal], &action);
  const bool done = tell_kernel(signal, &action);
  __atomic_store_n(&entries[signal].held, done, __ATOMIC_RELEASE);
  leave(before);
  return done;
}

uintptr_t program_actions_handler(void) { return (uintptr_t)ours; }

bool program_actions_hold(int signal) {
  return signal > 0 && signal < SIGNALS && __atomic_load_n(&entries[signal].held, __ATOMIC_ACQUIRE);
}

struct program_action program_actions_get(int signal) {
  struct entry *entry = &entries[signal];
  for (unsigned round = 0;; round++) {
    const unsigned version = __atomic_load_n(&entry->version, __ATOMIC_ACQUIRE);
    const struct program_action action = entry->action;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (version % 2 == 0 && version == __atomic_load_n(&entry->version, __ATOMIC_RELAXED)) return action;
    /* The writer is not there any more: this is a forked child. */
    if (round >= LONGEST_WRITE) return action;
    if (round >= SHORT_WRITE) raw_syscall0(__NR_sched_yield);
  }
}

bool program_actions_exchange(int signal, const struct program_action *action, struct program_action *before) {
  if (action == NULL) {
    if (before != NULL) *before = program_actions_get(signal);
    return true;
  }
  const kernel_set mask = enter();
  const struct program_action old = entries[signal].action;
  store(&entries[signal], action);
  const bool done = tell_kernel(signal, action);
  if (!done) store(&entries[signal], &old);
  leave(mask);
  if (done && before != NULL) *before = old;
  return done;
}

void program_actions_reset(int signal, uintptr_t handler) {
  const struct program_action none = {.handler = (uintptr_t)SIG_DFL};
  const kernel_set mask = enter();
  if (entries[signal].action.handler == handler) {
    store(&entries[signal], &none);
    tell_kernel(signal, &none);
  }
  leave(mask);
}

void program_actions_adopt(void) {
  for (int signal = 1; signal < SIGNALS; signal++) {
    struct kernel_action found;
    if (!program_actions_hold(signal) || !kernel_action_get(signal, &found)) continue;
    if (!is_function(found.handler) || found.handler == (uintptr_t)ours) continue;
    const struct program_action action = {.handler = found.handler, .flags = found.flags, .mask = kernel_mask(&found)};
    program_actions_exchange(signal, &action, NULL);
  }
}

/* Those in the set. */
static void hand_back(kernel_set signals) {
  const kernel_set mask = enter();
  for (int signal = 1; signal < SIGNALS; signal++) {
    if ((signals & signal_bit(signal)) == 0 || !program_actions_hold(signal)) continue;
    const struct program_action *action = &entries[signal].action;
    if (kernel_action_set(signal, action->handler, action->flags, action->mask))
      __atomic_store_n(&entries[signal].held, false, __ATOMIC_RELEASE);
  }
  leave(mask);
}

void program_actions_choose(kernel_set signals) {
  chosen = signals;
  hand_back(~signals);
}

void program_actions_hand_back(void) { hand_back(PROGRAM_SIGNALS); }

void program_actions_retake(void) {
  if (ours == NULL) return;
  for (int signal = 1; signal < SIGNALS; signal++) {
    if ((chosen & signal_bit(signal)) == 0 || entries[signal].version == 0 || program_actions_hold(signal)) continue;
    const kernel_set mask = enter();
    __atomic_store_n(&entries[signal].held, tell_kernel(signal, &entries[signal].action), __ATOMIC_RELEASE);
    leave(mask);
  }
}
