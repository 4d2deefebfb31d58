#include "alternate-stack.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t ending;
static bool have_key;

/* Runs in the ending thread, in ordinary context: after return from its start routine, pthread_exit or cancellation. */
static void release(void *value) {
  struct arena_stack *stack = value;
  const stack_t none = {.ss_flags = SS_DISABLE};
  stack_t current;
  /* Refused (EPERM) when the thread ends from within a handler: then it stands on this stack, which is lost. */
  if (sigaltstack(&none, &current) != 0) return;
  /* The program gave the thread another one since. */
  if (current.ss_sp != stack_arena_address(stack) && (current.ss_flags & SS_DISABLE) == 0) sigaltstack(&current, NULL);
  stack_arena_return(stack);
}

static void make_key(void) { have_key = pthread_key_create(&ending, release) == 0; }

struct arena_stack *alternate_stack_take(void) {
  pthread_once(&once, make_key);
  return stack_arena_take(have_key ? pthread_getspecific(ending) : NULL);
}

bool alternate_stack_use(struct arena_stack *stack) {
  const stack_t ours = {.ss_sp = stack_arena_address(stack), .ss_size = stack_arena_size(stack)};
  stack_t before;
  if (sigaltstack(&ours, &before) != 0) {
    const int saved_errno = errno;
    stack_arena_return(stack);
    errno = saved_errno;
    return false;
  }
  if ((before.ss_flags & SS_DISABLE) == 0) {
    sigaltstack(&before, NULL);
    stack_arena_return(stack);
    return true;
  }
  /* Without a key the stack outlives the thread: a leak, no more. */
  if (have_key) pthread_setspecific(ending, stack);
  return true;
}
