/*
 * Whether a user may trace a thread, as the kernel decides: a child takes on the user's ids, gives up every capability,
 * joins the user's user namespace and does what the kernel allows only to who passes ptrace(2)'s access check with the
 * real ids. process_vm_readv(2) asks PTRACE_MODE_ATTACH_REALCREDS and needs no attach, so that it works on a thread
 * that is traced by somebody else; the address that it names belongs to no process, so that no page is touched: EFAULT
 * comes after the check.
 *
 * The child shares this process's memory (a copy of the page tables would take longer than all else, and the target
 * waits) and nothing else. errno is memory too: its system calls are made without libc. From its change of user on the
 * user may stop or kill it, no more: a process that changes its ids is not dumpable (prctl(2)). It is waited for within
 * a bound.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "bindings.h"
#include "result.h"
#include "syscalls.h"

enum { STACK_BYTES = 64 * 1024, KCMP_MEMORY = 1 /* KCMP_VM */ };

/* A system call that leaves errno alone. */
static long call(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
#else
#error "no system calls for this CPU"
#endif
}

struct question {
  const int32_t *tids;
  size_t count;
  uid_t uid;
  gid_t gid;
  int user_namespace; /* a descriptor, -1: this process's own */
  bool attach;
  volatile int answer; /* 0 or -errno */
};

static int set_capabilities(bool none) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
  memset(data, 0, sizeof data);
  if (!none) {
    const long error = call(SYS_capget, (long)&header, (long)data, 0, 0, 0, 0);
    if (error < 0) return (int)error;
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) data[i].effective = data[i].permitted;
  }
  return (int)call(SYS_capset, (long)&header, (long)data, 0, 0, 0, 0);
}

/*
 * 0 or -errno. Where fs.suid_dumpable is 1 a change of user makes this memory, which is the caller's too, dumpable: the
 * capabilities are kept until that is undone, since nobody may trace a process that has more of them (capability
 * module, cap_ptrace_access_check).
 */
static int become(const struct question *question) {
  long error = call(SYS_prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0, 0);
  if (error == 0) error = call(SYS_setgroups, 0, 0, 0, 0, 0, 0);
  if (error == 0) error = call(SYS_setresgid, question->gid, question->gid, question->gid, 0, 0, 0);
  if (error == 0) error = call(SYS_setresuid, question->uid, question->uid, question->uid, 0, 0, 0);
  if (error == 0) error = call(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0, 0);
  if (error == 0 && question->user_namespace >= 0) {
    error = set_capabilities(false);
    if (error == 0) error = call(SYS_setns, question->user_namespace, CLONE_NEWUSER, 0, 0, 0, 0);
    if (error == 0) error = call(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0, 0);
  }
  return error == 0 ? set_capabilities(true) : (int)error;
}

/* 0 where this process may trace the thread; -errno. */
static int ask(int32_t tid, bool attach) {
  if (!attach) return (int)call(SYS_kcmp, tid, tid, KCMP_MEMORY, 0, 0, 0);
  char byte;
  struct iovec local = {&byte, 1}, remote = {(void *)-4096L, 1};
  const long result = call(SYS_process_vm_readv, tid, (long)&local, 1, (long)&remote, 1, 0);
  return result == -EFAULT ? 0 : result < 0 ? (int)result : -EPERM;
}

static int child(void *context) {
  struct question *question = context;
  int answer = become(question);
  for (size_t i = 0; i < question->count && answer == 0; i++) answer = ask(question->tids[i], question->attach);
  question->answer = answer;
  call(SYS_exit, 0, 0, 0, 0, 0, 0);
  return 0;
}

/*
 * Waits until the kernel has cleared the word, which it does when the child has left this memory; false when the time
 * is up.
 */
static bool await_zero(const volatile int *word, int64_t until) {
  for (int value; (value = *word) != 0;) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const int64_t left = until - (now.tv_sec * INT64_C(1000000000) + now.tv_nsec);
    if (left <= 0) return false;
    const struct timespec wait = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
    syscall(SYS_futex, word, FUTEX_WAIT, value, &wait, NULL, 0);
  }
  return true;
}

static int64_t after(double milliseconds) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec + (int64_t)(milliseconds * 1e6);
}

/* At the child's stack's end; all that the child and the kernel write. */
struct shared {
  struct question question;
  volatile int alive;
};

/* 0 or -errno, -ETIMEDOUT where the child did not come to its end. */
static int run(struct shared *shared, void *stack_end, double milliseconds) {
  sigset_t all, usual;
  sigfillset(&all);
  /* No handler of this process may run in the child, whose memory is the same. */
  sigprocmask(SIG_SETMASK, &all, &usual);
  shared->alive = 1;
  const pid_t pid =
      clone(child, stack_end, CLONE_VM | CLONE_CHILD_CLEARTID, &shared->question, NULL, NULL, (void *)&shared->alive);
  const int error = pid < 0 ? -errno : 0;
  sigprocmask(SIG_SETMASK, &usual, NULL);
  if (error != 0) {
    shared->alive = 0;
    return error;
  }
  const bool ended = await_zero(&shared->alive, after(milliseconds));
  if (!ended) {
    kill(pid, SIGKILL);
    if (!await_zero(&shared->alive, after(100))) return -ETIMEDOUT;
  }
  pid_t reaped;
  do {
    reaped = waitpid(pid, NULL, __WALL);
  } while (reaped < 0 && errno == EINTR);
  return ended ? shared->question.answer : -ETIMEDOUT;
}

static napi_value may_trace(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  const int64_t uid = value_integer(&args, args.at[1], "uid", 0, UINT32_MAX - INT64_C(1));
  const int64_t gid = value_integer(&args, args.at[2], "gid", 0, UINT32_MAX - INT64_C(1));
  const int64_t user_namespace = value_integer(&args, args.at[3], "userNamespace", -1, INT32_MAX);
  const bool attach = value_boolean(&args, args.at[4], "attach");
  const double milliseconds = value_double(&args, args.at[5], "timeoutMs", 1e9);
  size_t count;
  const int32_t *tids = value_typed(&args, args.at[0], "tids", napi_int32_array, 1, &count);
  if (args.failed) return NULL;
  const size_t bytes = STACK_BYTES + ((sizeof(struct shared) + 15) & ~(size_t)15);
  uint8_t *stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack == MAP_FAILED) return result_integer(env, -errno);
  struct shared *shared = (struct shared *)(stack + STACK_BYTES);
  shared->question = (struct question){.tids = tids,
                                       .count = count,
                                       .uid = (uid_t)uid,
                                       .gid = (gid_t)gid,
                                       .user_namespace = (int)user_namespace,
                                       .attach = attach,
                                       .answer = -EPERM};
  const int answer = run(shared, stack + STACK_BYTES, milliseconds);
  /* A child that does not even die has its stack for ever. */
  if (shared->alive == 0) munmap(stack, bytes);
  return result_integer(env, answer);
}

const Export trace_access_exports[] = {
    {"mayTrace", may_trace},
    {NULL, NULL},
};
