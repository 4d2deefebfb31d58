/* A descriptor for the report of a program that has used up its own, or whose system has. */
#ifndef DEBUGGERD_RESERVED_DESCRIPTOR_H
#define DEBUGGERD_RESERVED_DESCRIPTOR_H

/* Opens it: an AF_UNIX stream socket, its number far from those that programs expect. Ordinary context, once. */
void reserved_descriptor_begin(void);

/*
 * The socket, or -1 where the program has closed it, or put another descriptor in its place. Its caller closes it. A
 * forked child shares it with its parent: it may be connected already. Signal handler of any thread.
 */
int reserved_descriptor_take(void);

#endif
