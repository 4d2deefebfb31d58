/*
 * The parts of the shared library that stand before functions of others: what the constructor has them look up.
 * Ordinary context.
 */
#ifndef DEBUGGERD_INTERPOSED_H
#define DEBUGGERD_INTERPOSED_H

void interposed_actions_begin(void);
void interposed_ends_begin(void);
void interposed_filters_begin(void);

/* A program of Go, whose runtime looks for handlers in the kernel and asks the one that it finds to decide. */
void go_runtime_begin(void);
/* The program starts a thread: its runtime's handlers are there by now. */
void go_runtime_at_thread(void);

/* Asks a sanitizer's runtime to tell of the end that it makes of the program. */
void sanitizer_begin(void);

#endif
