/* A second stack per thread for the handlers: the thread's own may be what overflowed. */
#ifndef DEBUGGERD_ALTERNATE_STACK_H
#define DEBUGGERD_ALTERNATE_STACK_H

#include <stdbool.h>
#include <stddef.h>

struct alternate_stack;

/* Maps a stack with a guard page below it. Null with errno on failure. Ordinary context. */
struct alternate_stack *alternate_stack_map(void);

/* Unmaps a stack that no thread uses. Ordinary context. */
void alternate_stack_unmap(struct alternate_stack *stack);

/* Room of 2 * sizeof(void *) bytes in the mapping, for the caller, until the stack is used by a thread. Ordinary context. */
void **alternate_stack_room(struct alternate_stack *stack);

/*
 * Makes `stack` the calling thread's, until it ends. Where the thread has one already, or the kernel refuses, `stack` is unmapped;
 * false with errno tells the latter. Ordinary context.
 */
bool alternate_stack_use(struct alternate_stack *stack);

#endif
