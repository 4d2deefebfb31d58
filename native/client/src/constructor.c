/* In the shared library only: loading it is enough. */
#include <errno.h>

#include "install.h"
#include "interposed.h"

/*
 * Ordinary context, before main, and (linked with -z initfirst) before the constructors of other libraries, the C
 * library's included: glibc passes the environment, which it has not stored yet. musl passes nothing, but has stored it
 * (see socket-address.c).
 */
__attribute__((constructor)) static void on_load(int argc, char **argv, char **environment) {
  (void)argc;
  (void)argv;
  const int saved_errno = errno;
  interposed_actions_begin();
  interposed_ends_begin();
  interposed_filters_begin();
  install_handlers(environment);
  go_runtime_begin();
  errno = saved_errno;
}
