/*
 * The text that the tombstone shows as "Abort message". The daemon reads it out of the process's memory, laid out as
 * Android's C library has it: {size_t size; char text[];}, where size counts the whole object and text ends with a NUL.
 */
#ifndef DEBUGGERD_ABORT_MESSAGE_H
#define DEBUGGERD_ABORT_MESSAGE_H

#include <stdint.h>

/*
 * glibc keeps the last message of its own aborts (assert, memory checks, stack smashing) in a variable for debuggers
 * (stdlib/abort.c): a pointer to this. `size` counts the whole mapping, not the text.
 */
struct debuggerd_libc_message {
  unsigned int size;
  char text[];
};

/* The address of that variable, or null where the C library has none. Set once, in ordinary context. */
extern struct debuggerd_libc_message *const *debuggerd_libc_message;

/* Finds that variable. Ordinary context. One of libc-message-dynamic.c and libc-message-static.c has it. */
struct debuggerd_libc_message *const *debuggerd_find_libc_message(void);

/*
 * What a language's run-time system says of the abort that it is about to call, put together of `parts` up to a null
 * pointer; shown if the program ends by SIGABRT without a message of its own. The last one counts. Ordinary context, no
 * allocation.
 */
void abort_message_of_runtime(const char *const *parts);

/*
 * The address that the request carries, with a request block before it; 0: there is neither a message nor an
 * annotation. Runs in the signal handler of a crashed thread.
 */
uint64_t debuggerd_abort_message_address(int signal);

#endif
