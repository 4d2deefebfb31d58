/* Installing the handlers, for the constructor and for programs that do so themselves. */
#ifndef DEBUGGERD_INSTALL_H
#define DEBUGGERD_INSTALL_H

/*
 * As debuggerd_install_handlers; `environment` is used where libc has not set its own yet (or null). Ordinary context.
 */
int install_handlers(char *const *environment);

#endif
