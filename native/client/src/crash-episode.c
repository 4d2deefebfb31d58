#include "crash-episode.h"

#include <stddef.h>

#include "permitted-calls.h"
#include "raw-syscall.h"
#include "readable-memory.h"

enum { THREADS = 64 };

/* A handler does not use more of its stack than this. */
#define DEEPEST ((uintptr_t)256 << 20)

/* The threads apart from the rest: looking for one touches few cache lines. */
static int owners[THREADS];
static struct episode episodes[THREADS];
static unsigned next;

bool episode_any(void) { return __atomic_load_n(&next, __ATOMIC_RELAXED) != 0; }

struct episode *episode_find(int tid) {
  for (int index = 0; index < THREADS; index++) {
    if (__atomic_load_n(&owners[index], __ATOMIC_RELAXED) == tid) return &episodes[index];
  }
  return NULL;
}

/* A record that nobody needs: never used, or of a thread whose handler has returned, and that waits for no signal. */
static bool take(int index, int tid) {
  int owner = __atomic_load_n(&owners[index], __ATOMIC_RELAXED);
  const struct episode *episode = &episodes[index];
  if (owner != 0 && (episode->active || episode->stage != STAGE_NONE)) {
    if (!permitted(CALL_KILL) || raw_syscall3(__NR_tgkill, raw_getpid(), owner, 0) == 0) return false;
  }
  return __atomic_compare_exchange_n(&owners[index], &owner, tid, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

struct episode *episode_make(int tid) {
  struct episode *found = episode_find(tid);
  for (int round = 0; found == NULL && round < THREADS; round++) {
    const unsigned index = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % THREADS;
    if (!take((int)index, tid)) continue;
    found = &episodes[index];
    found->active = false;
    found->reported = false;
    found->stage = STAGE_NONE;
    found->frame = NULL;
    found->info.si_signo = 0;
  }
  return found;
}

static bool is_on(const stack_t *stack, uintptr_t address) {
  return (stack->ss_flags & SS_DISABLE) == 0 && address - (uintptr_t)stack->ss_sp < stack->ss_size;
}

bool episode_is_live(const struct episode *episode, uintptr_t sp) {
  const uintptr_t frame = (uintptr_t)episode->frame;
  if (!episode->active || frame == 0 || sp >= frame || frame - sp > DEEPEST) return false;
  /* The stack may have been unmapped since. */
  if (is_on(&episode->alternate, sp) != is_on(&episode->alternate, frame) || !is_readable(frame)) return false;
  return episode->frame[0] == episode->mark && episode->frame[1] == ~episode->mark;
}
