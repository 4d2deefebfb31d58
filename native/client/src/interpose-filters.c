/*
 * Stands before the calls that put a seccomp filter on (seccomp(2)). A filter that does not allow what the handler does
 * would end the process by SIGSYS or SIGKILL, or take its core: the filter is run here on the handler's calls, and
 * where it does not allow what a report needs the handler stands aside before it is in force. In the shared library
 * only; ordinary context.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "debuggerd/client.h"
#include "filter-verdict.h"
#include "interposed.h"
#include "next-function.h"
#include "permitted-calls.h"
#include "program-actions.h"

static void *next_prctl;
/* Read by the assembly below. */
__attribute__((visibility("hidden"))) void *interposed_next_syscall;

#if defined(__x86_64__)
enum { ARCHITECTURE = (int)AUDIT_ARCH_X86_64 };
#elif defined(__i386__)
enum { ARCHITECTURE = (int)AUDIT_ARCH_I386 };
#elif defined(__aarch64__)
enum { ARCHITECTURE = (int)AUDIT_ARCH_AARCH64 };
#else
enum { ARCHITECTURE = (int)AUDIT_ARCH_ARM };
#endif

/* Of the calls that the handler makes (a bit each), those that a filter does not allow. */
static unsigned forbidden_by(const struct sock_fprog *program) {
  unsigned forbidden = 0;
  if (program == NULL || !filter_is_readable(program)) return 0;
  for (size_t index = 0; index < permitted_numbers_count; index++) {
    const struct permitted_number *const one = &permitted_numbers[index];
    const struct seccomp_data data = {.nr = one->number, .arch = (uint32_t)ARCHITECTURE, .args = {one->first}};
    const uint32_t action = filter_verdict(program, &data) & SECCOMP_RET_ACTION_FULL;
    if (action != SECCOMP_RET_ALLOW && action != SECCOMP_RET_LOG) forbidden |= 1u << one->call;
  }
  return forbidden;
}

/* True: the handler stands aside; it stays so unless the filter is refused. */
static bool stand_aside(bool strict, const struct sock_fprog *program) {
  if (!program_actions_hold(SIGSEGV) || shares_parents_memory()) return false;
  const unsigned forbidden = strict ? CALLS_OF_A_REPORT : forbidden_by(program);
  if ((forbidden & CALLS_OF_A_REPORT) == 0) {
    permitted_calls_forbid(forbidden);
    return false;
  }
  program_actions_hand_back();
  return true;
}

void interposed_filters_begin(void) {
  next_function(&next_prctl, "prctl");
  next_function(&interposed_next_syscall, "syscall");
}

DEBUGGERD_EXPORT int prctl(int operation, ...) {
  int (*const call)(int, ...) = (int (*)(int, ...))next_function(&next_prctl, "prctl");
  unsigned long rest[4];
  va_list list;
  va_start(list, operation);
  for (int index = 0; index < 4; index++) rest[index] = va_arg(list, unsigned long);
  va_end(list);
  bool aside = false;
  if (operation == PR_SET_SECCOMP)
    aside = stand_aside(rest[0] == SECCOMP_MODE_STRICT, rest[0] == SECCOMP_MODE_FILTER ? (const void *)rest[1] : NULL);
  const int result = call(operation, rest[0], rest[1], rest[2], rest[3]);
  if (aside && result != 0) program_actions_retake();
  return result;
}

/* syscall(2), for the calls that may put a filter on. */
__attribute__((visibility("hidden"), used)) long interposed_filter_call(
    long number, long a, long b, long c, long d, long e, long f);

long interposed_filter_call(long number, long a, long b, long c, long d, long e, long f) {
  long (*const call)(long, ...) = (long (*)(long, ...))next_function(&interposed_next_syscall, "syscall");
  bool aside = false;
  if (number == __NR_seccomp && (a == SECCOMP_SET_MODE_STRICT || a == SECCOMP_SET_MODE_FILTER))
    aside = stand_aside(a == SECCOMP_SET_MODE_STRICT, a == SECCOMP_SET_MODE_FILTER ? (const void *)c : NULL);
  if (number == __NR_prctl && a == PR_SET_SECCOMP)
    aside = stand_aside(b == SECCOMP_MODE_STRICT, b == SECCOMP_MODE_FILTER ? (const void *)c : NULL);
  const long result = call(number, a, b, c, d, e, f);
  if (aside && result != 0) program_actions_retake();
  return result;
}

/*
 * syscall(2) itself. All other calls go on to the C library without a frame of this library: a call that makes a
 * process on this stack returns twice, and no backtrace should show who stood in between.
 */
#define TEXT(number) TEXT_OF(number)
#define TEXT_OF(number) #number
__asm__(
    ".text\n"
    ".globl syscall\n"
#if defined(__x86_64__)
    ".type syscall, @function\n"
    "syscall:\n"
    ".cfi_startproc\n"
    "  endbr64\n"
    "  cmpq $" TEXT(__NR_seccomp) ", %rdi\n"
    "  je 1f\n"
    "  cmpq $" TEXT(__NR_prctl) ", %rdi\n"
    "  je 1f\n"
    "  movq interposed_next_syscall(%rip), %rax\n"
    "  testq %rax, %rax\n"
    "  je 1f\n"
    "  jmp *%rax\n"
    "1: jmp interposed_filter_call\n"
    ".cfi_endproc\n"
#elif defined(__i386__)
    ".type syscall, @function\n"
    "syscall:\n"
    ".cfi_startproc\n"
    "  movl 4(%esp), %eax\n"
    "  cmpl $" TEXT(__NR_seccomp) ", %eax\n"
    "  je 1f\n"
    "  cmpl $" TEXT(__NR_prctl) ", %eax\n"
    "  je 1f\n"
    "  call 2f\n"
    ".cfi_adjust_cfa_offset 4\n"
    "2: popl %ecx\n"
    ".cfi_adjust_cfa_offset -4\n"
    "  addl $_GLOBAL_OFFSET_TABLE_ + (. - 2b), %ecx\n"
    "  movl interposed_next_syscall@GOTOFF(%ecx), %eax\n"
    "  testl %eax, %eax\n"
    "  je 1f\n"
    "  jmp *%eax\n"
    "1: jmp interposed_filter_call\n"
    ".cfi_endproc\n"
#elif defined(__aarch64__)
    ".type syscall, %function\n"
    "syscall:\n"
    ".cfi_startproc\n"
    "  hint #34\n" /* bti c */
    "  cmp x0, #" TEXT(__NR_seccomp) "\n"
    "  b.eq 1f\n"
    "  cmp x0, #" TEXT(__NR_prctl) "\n"
    "  b.eq 1f\n"
    "  adrp x16, interposed_next_syscall\n"
    "  ldr x16, [x16, :lo12:interposed_next_syscall]\n"
    "  cbz x16, 1f\n"
    "  br x16\n"
    "1: b interposed_filter_call\n"
    ".cfi_endproc\n"
#else
    ".syntax unified\n"
    ".arm\n"
    ".type syscall, %function\n"
    "syscall:\n"
    ".fnstart\n"
    "  ldr ip, 3f\n"
    "  cmp r0, ip\n"
    "  beq 1f\n"
    "  ldr ip, 4f\n"
    "  cmp r0, ip\n"
    "  beq 1f\n"
    "  ldr ip, 5f\n"
    "2: ldr ip, [pc, ip]\n"
    "  cmp ip, #0\n"
    "  beq 1f\n"
    "  bx ip\n"
    "1: b interposed_filter_call\n"
    ".cantunwind\n"
    ".fnend\n"
    "3: .word " TEXT(__NR_seccomp) "\n"
    "4: .word " TEXT(__NR_prctl) "\n"
    "5: .word interposed_next_syscall - (2b + 8)\n"
#endif
    ".size syscall, . - syscall\n");
