/*
 * Sanitizers' runtimes (ASan, LSan, MSan, TSan, UBSan) end the program by a system call of their own when they have
 * made their report. They tell a function of the program's before (sanitizer/common_interface_defs.h): here the program
 * is reported to the daemon too. In the shared library only.
 */
#include <dlfcn.h>

#include "crash-handler.h"
#include "debuggerd/client.h"
#include "interposed.h"

/* Runs in the thread that ends the program, in a signal handler or not, with locks of the runtime held. */
static void before_death(void) { crash_handler_before_end(true); }

/* Ordinary context, when the runtime is up. */
void sanitizer_begin(void) {
  void (*const set)(void (*)(void)) = (void (*)(void (*)(void)))dlsym(RTLD_DEFAULT, "__sanitizer_set_death_callback");
  if (set != 0) set(before_death);
}

/*
 * ASan's runtime refuses to start behind a preloaded library that it does not know. Its functions stand before the C
 * library's all the same, and ours call them. Seen by the runtime only where the program has no such function of its
 * own.
 */
DEBUGGERD_EXPORT const char *__asan_default_options(void);
DEBUGGERD_EXPORT const char *__asan_default_options(void) { return "verify_asan_link_order=0"; }
