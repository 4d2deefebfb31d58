/* The alternate stack of the thread that the program starts with: there before anything else is. */
#ifndef DEBUGGERD_FIRST_STACK_H
#define DEBUGGERD_FIRST_STACK_H

/* Gives it to the calling thread, unless that has one. Ordinary context, without any call of the C library's. */
void first_stack_use(void);

#endif
