/*
 * Stands before the calls that put a seccomp filter on (seccomp(2)). A filter that does not allow what the handler does would end the process
 * by SIGSYS or SIGKILL, or take its core: the filter is run here on the handler's calls, and where it does not allow all of them the handler
 * stands aside before it is in force. In the shared library only; ordinary context.
 */
#include <elf.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "debuggerd/client.h"
#include "interposed.h"
#include "next-function.h"
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

static const struct {
  int number;
  uint64_t first;
} calls[] = {
    {__NR_getpid, 0}, {__NR_gettid, 0}, {__NR_rt_sigprocmask, SIG_SETMASK}, {__NR_rt_sigaction, SIGSEGV}, {__NR_rt_tgsigqueueinfo, 0},
    {__NR_rt_sigreturn, 0}, {__NR_sigaltstack, 0}, {__NR_read, 3}, {__NR_close, 3}, {__NR_clock_gettime, 1},
#if defined(__i386__)
    {__NR_socketcall, 1}, {__NR_socketcall, 3}, {__NR_socketcall, 9}, {__NR_socketcall, 14}, {__NR_socketcall, 15},
#else
    {__NR_socket, AF_UNIX}, {__NR_connect, 3}, {__NR_sendto, 3}, {__NR_setsockopt, 3}, {__NR_getsockopt, 3},
#endif
};

/* What classic BPF makes of one call (linux/filter.h, seccomp(2)); SECCOMP_RET_KILL_THREAD where it cannot be told. */
static uint32_t verdict(const struct sock_filter *program, unsigned length, const struct seccomp_data *data) {
  const uint32_t *const words = (const uint32_t *)data;
  uint32_t a = 0, x = 0, memory[BPF_MEMWORDS] = {0};
  for (unsigned at = 0; at < length; at++) {
    const struct sock_filter *const one = &program[at];
    const uint32_t k = one->k;
    const uint32_t operand = BPF_SRC(one->code) == BPF_X ? x : k;
    switch (BPF_CLASS(one->code)) {
      case BPF_LD:
      case BPF_LDX: {
        uint32_t value = k;
        if (BPF_MODE(one->code) == BPF_ABS) value = k / 4 < sizeof *data / 4 ? words[k / 4] : 0;
        else if (BPF_MODE(one->code) == BPF_MEM) value = k < BPF_MEMWORDS ? memory[k] : 0;
        else if (BPF_MODE(one->code) == BPF_LEN) value = sizeof *data;
        if (BPF_CLASS(one->code) == BPF_LD) a = value;
        else x = value;
        break;
      }
      case BPF_ST:
      case BPF_STX:
        if (k < BPF_MEMWORDS) memory[k] = BPF_CLASS(one->code) == BPF_ST ? a : x;
        break;
      case BPF_ALU:
        switch (BPF_OP(one->code)) {
          case BPF_ADD: a += operand; break;
          case BPF_SUB: a -= operand; break;
          case BPF_MUL: a *= operand; break;
          case BPF_DIV: a = operand == 0 ? 0 : a / operand; break;
          case BPF_OR: a |= operand; break;
          case BPF_AND: a &= operand; break;
          case BPF_XOR: a ^= operand; break;
          case BPF_LSH: a <<= operand & 31; break;
          case BPF_RSH: a >>= operand & 31; break;
          case BPF_NEG: a = 0 - a; break;
          default: return SECCOMP_RET_KILL_THREAD;
        }
        break;
      case BPF_JMP: {
        bool yes = false;
        switch (BPF_OP(one->code)) {
          case BPF_JA: at += k; continue;
          case BPF_JEQ: yes = a == operand; break;
          case BPF_JGT: yes = a > operand; break;
          case BPF_JGE: yes = a >= operand; break;
          case BPF_JSET: yes = (a & operand) != 0; break;
          default: return SECCOMP_RET_KILL_THREAD;
        }
        at += yes ? one->jt : one->jf;
        break;
      }
      case BPF_RET: return BPF_RVAL(one->code) == BPF_A ? a : k;
      default:
        if (BPF_MISCOP(one->code) == BPF_TAX) x = a;
        else a = x;
    }
  }
  return SECCOMP_RET_KILL_THREAD;
}

static bool allows_all(const struct sock_fprog *program) {
  if (program == NULL || program->filter == NULL) return true;
  for (size_t index = 0; index < sizeof calls / sizeof calls[0]; index++) {
    const struct seccomp_data data = {.nr = calls[index].number, .arch = (uint32_t)ARCHITECTURE, .args = {calls[index].first}};
    const uint32_t action = verdict(program->filter, program->len, &data) & SECCOMP_RET_ACTION_FULL;
    if (action != SECCOMP_RET_ALLOW && action != SECCOMP_RET_LOG) return false;
  }
  return true;
}

/* True: the handler stands aside; it stays so unless the filter is refused. */
static bool stand_aside(bool strict, const struct sock_fprog *program) {
  if (!program_actions_hold(SIGSEGV) || shares_parents_memory()) return false;
  if (!strict && allows_all(program)) return false;
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
 * syscall(2) itself. All other calls go on to the C library without a frame of this library: a call that makes a process on this stack returns
 * twice, and no backtrace should show who stood in between.
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
