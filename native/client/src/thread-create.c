/*
 * Stands before the C library's pthread_create, so that every thread gets an alternate stack. In the shared library
 * only: a static program cannot have two functions of that name, it calls debuggerd_protect_thread() in its threads.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

#include "alternate-stack.h"
#include "debuggerd/client.h"
#include "interposed.h"

typedef int creator(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

/*
 * Ordinary context. Any constructor may start a thread before ours has run, so this is found when it is first needed.
 */
static creator *find_next(void) {
  static creator *next;
  creator *found = __atomic_load_n(&next, __ATOMIC_ACQUIRE);
  if (found == NULL) {
    found = (creator *)dlsym(RTLD_NEXT, "pthread_create");
    __atomic_store_n(&next, found, __ATOMIC_RELEASE);
  }
  return found;
}

/* Runs first in the new thread. Its last act is a tail call: the thread's backtrace begins at its own start routine. */
static void *enter(void *argument) {
  struct arena_stack *stack = argument;
  void *(*start)(void *) = (void *(*)(void *))stack->room[0];
  void *start_argument = stack->room[1];
  alternate_stack_use(stack);
  return start(start_argument);
}

DEBUGGERD_EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                                    void *argument) {
  creator *next = find_next();
  if (next == NULL) return EAGAIN;
  const int saved_errno = errno;
  go_runtime_at_thread();
  struct arena_stack *stack = alternate_stack_take();
  errno = saved_errno;
  /* A thread without an alternate stack is better than none. */
  if (stack == NULL) return next(thread, attributes, start, argument);

  stack->room[0] = (void *)start;
  stack->room[1] = argument;
  const int result = next(thread, attributes, enter, stack);
  if (result != 0) stack_arena_return(stack);
  return result;
}
