/*
 * Puts a seccomp filter on, and either becomes another program under it or crashes itself.
 *
 *   under-filter HOW ACTION CALLS END [PROGRAM ARGUMENTS...]
 *
 * HOW     prctl, seccomp (the calls of the C library) or asm (a system call of its own, that nobody can stand before)
 * ACTION  kill, trap, errno (EPERM), allow; strict: SECCOMP_MODE_STRICT
 * CALLS   what the action is for, separated by commas: socket (and socketcall), clone, prctl, queue, tgkill, gettid
 * END     exec: becomes the program; fault: at 0xdead0; abort; kill: SIGSEGV sent by itself; exit: status 7
 * A core is made, as far as the hard limit allows.
 * Frames: end_under_filter, main.
 */
#include "program.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static const struct {
  const char *name;
  int numbers[3];
} calls[] = {
    {"socket",
     {
         __NR_socket,
#ifdef __NR_socketcall
         __NR_socketcall,
#endif
     }},
    {"clone", {__NR_clone}},
    {"prctl", {__NR_prctl}},
    {"queue", {__NR_rt_tgsigqueueinfo}},
    {"tgkill", {__NR_tgkill}},
    {"gettid", {__NR_gettid}},
};

static struct sock_filter program[64];
static unsigned short length;

static void add(struct sock_filter one) { program[length++] = one; }

static void build(const char *action, const char *list) {
  const unsigned result = strcmp(action, "kill") == 0    ? SECCOMP_RET_KILL_PROCESS
                          : strcmp(action, "trap") == 0  ? SECCOMP_RET_TRAP
                          : strcmp(action, "errno") == 0 ? SECCOMP_RET_ERRNO | EPERM
                                                         : SECCOMP_RET_ALLOW;
  add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
  for (size_t index = 0; index < sizeof calls / sizeof calls[0]; index++) {
    if (strstr(list, calls[index].name) == NULL) continue;
    for (size_t each = 0; each < 3 && calls[index].numbers[each] != 0; each++) {
      add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[index].numbers[each], 0, 1));
      add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, result));
    }
  }
  add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

static long raw_seccomp(unsigned mode, const struct sock_fprog *filter) {
  long result;
#if defined(__x86_64__)
  __asm__ volatile("syscall" : "=a"(result) : "a"(__NR_seccomp), "D"((long)mode), "S"(0L), "d"(filter) : "rcx", "r11", "memory");
#elif defined(__i386__)
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(__NR_seccomp), "b"(mode), "c"(0), "d"(filter) : "memory");
#else
  result = syscall(__NR_seccomp, mode, 0, filter);
#endif
  return result;
}

static long put_on(const char *how, int strict, const struct sock_fprog *filter) {
  const unsigned mode = strict ? SECCOMP_SET_MODE_STRICT : SECCOMP_SET_MODE_FILTER;
  if (strcmp(how, "prctl") == 0) {
    return prctl(PR_SET_SECCOMP, strict ? SECCOMP_MODE_STRICT : SECCOMP_MODE_FILTER, filter, 0, 0);
  }
  return strcmp(how, "seccomp") == 0 ? syscall(__NR_seccomp, mode, 0, filter) : raw_seccomp(mode, filter);
}

FRAME void end_under_filter(const char *end) {
  if (strcmp(end, "abort") == 0) abort();
  if (strcmp(end, "kill") == 0) raise(SIGSEGV);
  if (strcmp(end, "exit") == 0) exit(7);
  *NOWHERE = 1;
  KEEP_FRAME();
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  struct rlimit core;
  getrlimit(RLIMIT_CORE, &core);
  core.rlim_cur = core.rlim_max;
  setrlimit(RLIMIT_CORE, &core);
  const int strict = strcmp(argv[2], "strict") == 0;
  build(argv[2], argv[3]);
  const struct sock_fprog filter = {.len = length, .filter = program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 2;
  if (put_on(argv[1], strict, strict ? NULL : &filter) != 0) return 2;
  if (strcmp(argv[4], "exec") == 0) execv(argv[5], argv + 5);
  end_under_filter(argv[4]);
  return 3;
}
