#include "kernel-action.h"

#if defined(__x86_64__)
/*
 * Where the handler returns to. Unwinders know a signal's frame by these bytes (libgcc's, gdb's), and by the lack of
 * any other table for them: hence no CFI. Its alignment puts padding before it, which keeps a search for the address
 * before it from another function.
 */
__asm__(".pushsection .text.debuggerd_restorer,\"ax\",@progbits\n"
        ".balign 16\n"
        "nop\n.balign 16\n"
        ".type debuggerd_restore_rt,@function\n"
        "debuggerd_restore_rt:\n"
        "movq $15,%rax\n" /* __NR_rt_sigreturn */
        "syscall\n"
        ".size debuggerd_restore_rt,.-debuggerd_restore_rt\n"
        ".popsection\n");
extern void debuggerd_restore_rt(void) __attribute__((visibility("hidden")));
#endif

bool kernel_action_set(int signal, uintptr_t handler, unsigned long flags, kernel_set mask) {
  struct kernel_action action = {.handler = handler, .flags = flags};
  action.mask[0] = (unsigned long)mask;
#if __SIZEOF_LONG__ == 4
  action.mask[1] = (unsigned long)(mask >> 32);
#endif
#if defined(__x86_64__)
  action.flags |= KERNEL_RESTORER_FLAG;
  action.restorer = (uintptr_t)debuggerd_restore_rt;
#endif
  return raw_syscall4(__NR_rt_sigaction, signal, &action, 0, 8) == 0;
}
