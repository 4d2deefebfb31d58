/*
 * For the static library, whose program may have no dynamic linker: a weak reference, null where the C library has no
 * such symbol.
 */
#include "abort-message.h"

extern struct debuggerd_libc_message *__abort_msg __attribute__((weak));

struct debuggerd_libc_message *const *debuggerd_find_libc_message(void) { return &__abort_msg; }
