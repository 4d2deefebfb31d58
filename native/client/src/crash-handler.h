/* The signal handler: what happens in a process between its crash and its death. */
#ifndef DEBUGGERD_CRASH_HANDLER_H
#define DEBUGGERD_CRASH_HANDLER_H

#include <signal.h>
#include <stdbool.h>

#include "socket-address.h"

/* Where the handler knocks. Set before it is installed, in ordinary context. */
extern struct debuggerd_address crash_handler_address;

/* Installs the handler for one signal, and notes that the program was started with it ignored. Ordinary context. */
bool crash_handler_install(int signal);

#endif
