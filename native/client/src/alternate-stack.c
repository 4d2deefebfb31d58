#include "alternate-stack.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>

/* In the mapping, at its highest addresses: the guard is at the lowest, and the stack grows down towards it. */
struct alternate_stack {
  void *mapping;
  size_t mapping_size;
  size_t guard_size;
  void *room[2];
};

/* Ours needs 2 KiB; a handler that the program chains to ours may need more. Untouched pages cost nothing. */
enum { HANDLER_BYTES = 64 * 1024 };

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t ending;
static bool have_key;

/* Runs in the ending thread, in ordinary context: after return from its start routine, pthread_exit or cancellation. */
static void release(void *value) {
  struct alternate_stack *stack = value;
  stack_t current;
  if (sigaltstack(NULL, &current) != 0) return;
  if (current.ss_sp == (char *)stack->mapping + stack->guard_size && (current.ss_flags & SS_DISABLE) == 0) {
    const stack_t none = {.ss_flags = SS_DISABLE};
    /* Refused (EPERM) when the thread ends from within a handler: then it stands on this stack. */
    if ((current.ss_flags & SS_ONSTACK) != 0 || sigaltstack(&none, NULL) != 0) return;
  }
  alternate_stack_unmap(stack);
}

static void make_key(void) { have_key = pthread_key_create(&ending, release) == 0; }

struct alternate_stack *alternate_stack_map(void) {
  const size_t page = getauxval(AT_PAGESZ);
  /* The frame that the kernel pushes grows with the CPU's register file (signal(7), AT_MINSIGSTKSZ in getauxval(3)). */
  const size_t frame = getauxval(AT_MINSIGSTKSZ);
  const size_t usable = (HANDLER_BYTES + frame + sizeof(struct alternate_stack) + page - 1) / page * page;

  char *mapping = mmap(NULL, usable + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return NULL;
  if (mprotect(mapping + page, usable, PROT_READ | PROT_WRITE) != 0) {
    const int saved_errno = errno;
    munmap(mapping, usable + page);
    errno = saved_errno;
    return NULL;
  }
  struct alternate_stack *stack = (struct alternate_stack *)(mapping + page + usable) - 1;
  stack->mapping = mapping;
  stack->mapping_size = usable + page;
  stack->guard_size = page;
  return stack;
}

void alternate_stack_unmap(struct alternate_stack *stack) { munmap(stack->mapping, stack->mapping_size); }

void **alternate_stack_room(struct alternate_stack *stack) { return stack->room; }

bool alternate_stack_use(struct alternate_stack *stack) {
  stack_t current;
  pthread_once(&once, make_key);
  if (sigaltstack(NULL, &current) == 0 && (current.ss_flags & SS_DISABLE) == 0) {
    alternate_stack_unmap(stack);
    return true;
  }
  const stack_t ours = {
      .ss_sp = (char *)stack->mapping + stack->guard_size,
      .ss_size = (size_t)((char *)stack - ((char *)stack->mapping + stack->guard_size)),
  };
  if (sigaltstack(&ours, NULL) != 0) {
    const int saved_errno = errno;
    alternate_stack_unmap(stack);
    errno = saved_errno;
    return false;
  }
  /* Without a key the mapping outlives the thread: a leak, no more. */
  if (have_key) pthread_setspecific(ending, stack);
  return true;
}
