/*
 * The assembler and the installation. Each rule is a few instructions with short jumps of its own; the system call's
 * number is in the accumulator between rules. The kernel (5.11 and later) remembers which calls every path allows, so
 * the length of the filter costs nothing for read, write, futex and the like.
 */
#include "seccomp.h"

#include <dirent.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "args.h"
#include "bindings.h"
#include "result.h"
#include "syscalls.h"

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "seccomp: no table for this architecture"
#endif

#ifndef SECCOMP_RET_KILL_PROCESS
#define SECCOMP_RET_KILL_PROCESS 0x80000000U
#endif

static void emit(Filter *filter, uint16_t code, uint8_t yes, uint8_t no, uint32_t operand) {
  if (filter->length < FILTER_MAX) filter->code[filter->length] = (struct sock_filter){code, yes, no, operand};
  filter->length++;
}

static void load(Filter *filter, size_t offset) { emit(filter, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset); }

static void jump(Filter *filter, uint16_t test, uint32_t operand, uint8_t yes, uint8_t no) {
  emit(filter, BPF_JMP | test | BPF_K, yes, no, operand);
}

static void give(Filter *filter, uint32_t action) { emit(filter, BPF_RET | BPF_K, 0, 0, action); }

static void refuse(Filter *filter, uint16_t error) { give(filter, SECCOMP_RET_ERRNO | error); }

static void load_argument(Filter *filter, uint8_t argument) { /* little endian: the low half */
  load(filter, offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t));
}

static void add_list_rule(Filter *filter, const Rule *rule) {
  uint8_t count = 0;
  while (rule->list[count] != NO_MORE) count++;
  jump(filter, BPF_JEQ, rule->number, 0, (uint8_t)(count + 3));
  load_argument(filter, rule->argument);
  for (uint8_t i = 0; i < count; i++) jump(filter, BPF_JEQ, rule->list[i], (uint8_t)(count - i), 0);
  refuse(filter, rule->error);
  load(filter, offsetof(struct seccomp_data, nr));
}

static void add_rule(Filter *filter, const Rule *rule) {
  if (rule->kind == UNLESS_LISTED) {
    add_list_rule(filter, rule);
    return;
  }
  if (rule->kind == ALWAYS) {
    jump(filter, BPF_JEQ, rule->number, 0, 1);
    refuse(filter, rule->error);
    return;
  }
  bool bits = rule->kind == IF_BITS || rule->kind == UNLESS_BITS;
  bool unless = rule->kind == UNLESS_EQUAL || rule->kind == UNLESS_SELF || rule->kind == UNLESS_BITS;
  uint32_t value = rule->kind == UNLESS_SELF ? (uint32_t)getpid() : rule->value;
  jump(filter, BPF_JEQ, rule->number, 0, 4);
  load_argument(filter, rule->argument);
  jump(filter, bits ? BPF_JSET : BPF_JEQ, value, unless, !unless);
  refuse(filter, rule->error);
  load(filter, offsetof(struct seccomp_data, nr));
}

static void begin(Filter *filter) {
  filter->length = 0;
  load(filter, offsetof(struct seccomp_data, arch));
  jump(filter, BPF_JEQ, NATIVE_ARCH, 1, 0);
  give(filter, SECCOMP_RET_KILL_PROCESS);
  load(filter, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
  /* The x32 numbers, which reach the same calls by another name. */
  jump(filter, BPF_JGE, 0x40000000, 0, 1);
  refuse(filter, ENOSYS);
#endif
}

static void add_rules(Filter *filter, const Rule *rules) {
  for (; rules->error; rules++) add_rule(filter, rules);
}

void filter_base(Filter *filter) {
  begin(filter);
  add_rules(filter, base_rules);
  give(filter, SECCOMP_RET_ALLOW);
}

void filter_lockdown(Filter *filter) {
  begin(filter);
  add_rules(filter, base_rules);
  add_rules(filter, lockdown_rules);
  give(filter, SECCOMP_RET_ALLOW);
}

int filter_install(const Filter *filter, unsigned flags) {
  if (filter->length > FILTER_MAX) return E2BIG;
  struct sock_fprog program = {filter->length, (struct sock_filter *)filter->code};
  long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
  /* With TSYNC a positive result is a thread whose own filter stands in the way. */
  return result == 0 ? 0 : result > 0 ? EBUSY : errno;
}

/*
 * Whether this process has an io_uring, by which paths could be opened behind the filter's back. libuv (Node 22 and
 * later) makes one for its epoll where it may, and aborts when it is taken away. 0, EBUSY or an errno.
 */
static int look_for_ring(void) {
  DIR *directory = opendir("/proc/self/fd");
  if (!directory) return errno;
  int error = 0;
  const struct dirent *entry;
  while (!error && (entry = readdir(directory))) {
    char target[64];
    ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
    if (length < 0) continue;
    target[length] = 0;
    if (!strcmp(target, "anon_inode:[io_uring]")) error = EBUSY;
  }
  closedir(directory);
  return error;
}

static napi_value lockdown(napi_env env, napi_callback_info info) {
  (void)info;
  int ring = look_for_ring();
  if (ring) return throw_system_error(env, ring, "io_uring_setup");
  Filter filter;
  filter_lockdown(&filter);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return throw_system_error(env, errno, "prctl");
  int error = filter_install(&filter, SECCOMP_FILTER_FLAG_TSYNC);
  return error ? throw_system_error(env, error, "seccomp") : NULL;
}

const Export seccomp_exports[] = {
    {"seccompLockdown", lockdown},
    {NULL, NULL},
};
