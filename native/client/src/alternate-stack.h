/* A second stack per thread for the handlers: the thread's own may be what overflowed. */
#ifndef DEBUGGERD_ALTERNATE_STACK_H
#define DEBUGGERD_ALTERNATE_STACK_H

#include <stdbool.h>
#include <stddef.h>

#include "stack-arena.h"

/* A stack for a thread that is to be created, or for the calling one. Null with errno on failure. Ordinary context. */
struct arena_stack *alternate_stack_take(void);

/*
 * Makes `stack` the calling thread's, until it ends. Where the thread has one already, or the kernel refuses, `stack`
 * is given back; false with errno tells the latter. Ordinary context.
 */
bool alternate_stack_use(struct arena_stack *stack);

#endif
