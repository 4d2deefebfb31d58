/* The function that a call would reach if ours did not stand before it. Shared library only. */
#ifndef DEBUGGERD_NEXT_FUNCTION_H
#define DEBUGGERD_NEXT_FUNCTION_H

/*
 * By name, through dlsym(3); null where nobody has one. `known` keeps the answer. Ordinary context the first time, any
 * later.
 */
void *next_function(void **known, const char *name);

#endif
