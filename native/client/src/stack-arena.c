/* All functions here run in ordinary context. Nothing is locked: a thread may be created while another forks. */
#include "stack-arena.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "raw-syscall.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

enum {
  /* Ours needs 2 KiB; a handler that the program chains to ours may need more. Untouched pages cost nothing. */
  HANDLER_BYTES = 64 * 1024,
  WORD_BITS = sizeof(unsigned long) * CHAR_BIT,
  /*
   * The first arena is small, since most processes have few threads; each one after it is twice as large, up to the
   * last size.
   */
  FIRST_COUNT = 8,
  LARGEST_COUNT = 512,
};

/*
 * One mapping: a guard page, the stacks, and this with a record for each. A stack grows down: one that overflows writes
 * into the stack below it, which is empty unless that thread is in a handler at the same time, and never into the
 * records; the lowest one meets the guard. A guard for each would cost the two mappings per thread that arenas are
 * there to save.
 */
struct stack_arena {
  struct stack_arena *next;
  char *stacks;
  size_t stack_size;
  unsigned count;
  /* Bit n of word n / WORD_BITS: stack n has an owner. */
  unsigned long used[LARGEST_COUNT / WORD_BITS];
  struct arena_stack records[];
};

static struct stack_arena *arenas;

/* The process whose threads the bits tell of. A forked child finds those of its parent. */
static int owner;

static size_t round_up(size_t size, size_t page) { return (size + page - 1) / page * page; }

static unsigned index_of(const struct arena_stack *stack) { return (unsigned)(stack - stack->arena->records); }

static struct stack_arena *map_arena(unsigned count) {
  const size_t page = getauxval(AT_PAGESZ);
  /* The frame that the kernel pushes grows with the CPU's register file (signal(7), AT_MINSIGSTKSZ in getauxval(3)). */
  const size_t stack_size = round_up(HANDLER_BYTES + getauxval(AT_MINSIGSTKSZ), page);
  const size_t records = round_up(sizeof(struct stack_arena) + count * sizeof(struct arena_stack), page);
  const size_t size = page + count * stack_size + records;

  char *mapping = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return NULL;
  if (mprotect(mapping + page, size - page, PROT_READ | PROT_WRITE) != 0) {
    const int saved_errno = errno;
    munmap(mapping, size);
    errno = saved_errno;
    return NULL;
  }
  struct stack_arena *arena = (struct stack_arena *)(mapping + size - records);
  arena->stacks = mapping + page;
  arena->stack_size = stack_size;
  arena->count = count;
  for (unsigned index = 0; index < count; index++) arena->records[index].arena = arena;
  return arena;
}

/* Null where every stack of the arena has an owner. */
static struct arena_stack *take_from(struct stack_arena *arena) {
  for (unsigned first = 0; first < arena->count; first += WORD_BITS) {
    unsigned long *word = &arena->used[first / WORD_BITS];
    unsigned long seen = __atomic_load_n(word, __ATOMIC_RELAXED);
    while (~seen != 0) {
      const unsigned bit = (unsigned)__builtin_ctzl(~seen);
      if (first + bit >= arena->count) break;
      if (__atomic_compare_exchange_n(word, &seen, seen | 1ul << bit, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        return &arena->records[first + bit];
      }
    }
  }
  return NULL;
}

/* In a forked child: of the stacks that its parent's threads had, only the caller's has an owner. */
static void forget_parent(const struct arena_stack *kept) {
  const int pid = raw_getpid();
  /* While a thread is at it, the process's id negated: the others must not take a stack that is about to be freed. */
  int seen = __atomic_load_n(&owner, __ATOMIC_ACQUIRE);
  while (seen != pid) {
    if (seen == -pid) {
      raw_syscall0(__NR_sched_yield);
      seen = __atomic_load_n(&owner, __ATOMIC_ACQUIRE);
    } else if (__atomic_compare_exchange_n(&owner, &seen, -pid, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
      break;
    }
  }
  if (seen == pid) return;
  for (struct stack_arena *arena = __atomic_load_n(&arenas, __ATOMIC_ACQUIRE); arena != NULL; arena = arena->next) {
    for (unsigned word = 0; word < LARGEST_COUNT / WORD_BITS; word++) {
      const bool own = kept != NULL && kept->arena == arena && index_of(kept) / WORD_BITS == word;
      __atomic_store_n(&arena->used[word], own ? 1ul << index_of(kept) % WORD_BITS : 0ul, __ATOMIC_RELAXED);
    }
  }
  __atomic_store_n(&owner, pid, __ATOMIC_RELEASE);
}

struct arena_stack *stack_arena_take(const struct arena_stack *kept) {
  forget_parent(kept);
  struct stack_arena *newest = __atomic_load_n(&arenas, __ATOMIC_ACQUIRE);
  for (struct stack_arena *arena = newest; arena != NULL; arena = arena->next) {
    struct arena_stack *stack = take_from(arena);
    if (stack != NULL) return stack;
  }

  unsigned count = newest == NULL ? FIRST_COUNT : newest->count * 2;
  if (count > LARGEST_COUNT) count = LARGEST_COUNT;
  struct stack_arena *arena = map_arena(count);
  /*
   * Little memory is left (RLIMIT_AS, RLIMIT_MEMLOCK, the addresses of a 32-bit process): as many as there is room for.
   */
  for (; arena == NULL && count > 1; arena = map_arena(count)) count /= 2;
  if (arena == NULL) return NULL;
  arena->used[0] = 1;
  struct arena_stack *stack = &arena->records[0];
  arena->next = newest;
  while (!__atomic_compare_exchange_n(&arenas, &arena->next, arena, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    continue;
  return stack;
}

void stack_arena_return(struct arena_stack *stack) {
  const unsigned index = index_of(stack);
  __atomic_fetch_and(&stack->arena->used[index / WORD_BITS], ~(1ul << index % WORD_BITS), __ATOMIC_RELEASE);
}

void *stack_arena_address(const struct arena_stack *stack) {
  return stack->arena->stacks + index_of(stack) * stack->arena->stack_size;
}

size_t stack_arena_size(const struct arena_stack *stack) { return stack->arena->stack_size; }
