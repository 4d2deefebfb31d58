/*
 * For the shared library: looked up at run time, so that the library loads where there is no such symbol (musl). Its
 * version, GLIBC_PRIVATE, is the default one, which a look-up without a version finds.
 */
#include <dlfcn.h>

#include "abort-message.h"

struct debuggerd_libc_message *const *debuggerd_find_libc_message(void) { return dlsym(RTLD_DEFAULT, "__abort_msg"); }
