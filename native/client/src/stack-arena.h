/*
 * Where alternate stacks come from: few large mappings, each divided into many stacks. A mapping per thread would halve
 * the number of threads that fit into vm.max_map_count, and two system calls that change the address space take longer
 * than the rest of what a thread's creation costs.
 */
#ifndef DEBUGGERD_STACK_ARENA_H
#define DEBUGGERD_STACK_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct stack_arena;

/* One stack. The records lie together, apart from the stacks: a stack that nobody used has no page in memory. */
struct arena_stack {
  struct stack_arena *arena;
  /* Room for what is to be handed to the thread that will use it. */
  void *room[2];
};

/*
 * A stack that no other thread has, `kept` aside: a stack that the caller has already, or null. After a fork the stacks
 * of threads that the child does not have are free again. Null with errno where no memory can be mapped. Lock free;
 * ordinary context.
 */
struct arena_stack *stack_arena_take(const struct arena_stack *kept);

/* Gives a stack back; its arena stays mapped for the next. Lock free; ordinary context. */
void stack_arena_return(struct arena_stack *stack);

/* The lowest address of a stack, and its size in bytes. Any context. */
void *stack_arena_address(const struct arena_stack *stack);
size_t stack_arena_size(const struct arena_stack *stack);

#endif
