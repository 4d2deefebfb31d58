/*
 * Makes a system call that its seccomp filter traps: SIGSYS, SYS_SECCOMP. The forbidden call is uname(2).
 * Frames: (libc's syscall), make_forbidden_call, leave_sandbox, main.
 */
#include "program.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/utsname.h>

FRAME long make_forbidden_call(struct utsname *name) {
  const long result = syscall(SYS_uname, name);
  KEEP_FRAME();
  return result;
}

FRAME long leave_sandbox(void) {
  struct utsname name;
  const long result = make_forbidden_call(&name);
  KEEP_FRAME();
  return result;
}

int main(void) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_uname, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 2;
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) return 2;
  leave_sandbox();
  return 3;
}
