/*
 * The child of a confined spawn, between fork and exec. It is a copy of a process with many threads, of which only this
 * one goes on: locks may be held by those that are gone. So everything here is a plain system call on memory that was
 * prepared before (signal-safety(7)); the credential calls are raw, since libc's would signal the other threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spawn.h"
#include "syscalls.h"

enum { CAPABILITIES = 64 };

static void report(const SpawnPlan *plan, int step, int error, const char *name, bool fatal) {
  SpawnReport message;
  memset(&message, 0, sizeof message);
  message.step = step;
  message.error = error;
  message.fatal = fatal;
  for (size_t i = 0; i + 1 < sizeof message.syscall && name[i]; i++) message.syscall[i] = name[i];
  ssize_t written;
  do {
    written = write(plan->report_fd, &message, sizeof message);
  } while (written < 0 && errno == EINTR);
  if (fatal) _exit(127);
}

static void fail(const SpawnPlan *plan, const char *name) { report(plan, -1, errno, name, true); }

/* A step did not work: the end where it is required. */
static void missed(const SpawnPlan *plan, SpawnStep step, const char *name) {
  report(plan, step, errno, name, (plan->required & 1u << step) != 0);
}

static bool wants(const SpawnPlan *plan, SpawnStep step) { return (plan->wanted & 1u << step) != 0; }

void reset_signals(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal <= 64; signal++) sigaction(signal, &action, NULL); /* fails for some, which is as well */
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static int above(const SpawnPlan *plan, int fd) {
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, plan->fd_count);
  if (copy < 0) fail(plan, "fcntl");
  return copy;
}

/* Before Linux 5.11: every descriptor that /proc names, from `first` on. */
static void cloexec_one_by_one(const SpawnPlan *plan, int first) {
  int directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) fail(plan, "close_range");
  _Alignas(8) char entries[4096];
  long length;
  while ((length = syscall(SYS_getdents64, directory, entries, sizeof entries)) > 0) {
    /* struct linux_dirent64: u64 ino, s64 off, u16 reclen at 16, u8 type, name at 19. */
    for (long at = 0; at < length;) {
      uint16_t record;
      memcpy(&record, entries + at + 16, sizeof record);
      int fd = 0;
      const char *digit = entries + at + 19;
      bool number = *digit != '.';
      for (; number && *digit; digit++) fd = fd * 10 + (*digit - '0');
      if (number && fd >= first) fcntl(fd, F_SETFD, FD_CLOEXEC);
      at += record;
    }
  }
  close(directory);
}

/* Puts the descriptors in their places. All sources are first copied above the targets, so that none is overwritten. */
static void place_descriptors(SpawnPlan *plan) {
  plan->report_fd = above(plan, plan->report_fd);
  plan->null_fd = above(plan, plan->null_fd);
  if (plan->program_fd >= 0) plan->program_fd = above(plan, plan->program_fd);
  for (int i = 0; i < plan->fd_count; i++) {
    if (plan->fds[i] >= 0) plan->fds[i] = above(plan, plan->fds[i]);
  }
  for (int i = 0; i < plan->fd_count; i++) {
    int source = plan->fds[i] >= 0 ? plan->fds[i] : i < 3 ? plan->null_fd : -1;
    if (source < 0) {
      close(i);
    } else if (dup2(source, i) < 0) {
      fail(plan, "dup2");
    }
  }
  if (syscall(SYS_close_range, plan->fd_count, ~0u, CLOSE_RANGE_CLOEXEC) != 0) cloexec_one_by_one(plan, plan->fd_count);
}

static bool write_file(const char *path, const char *text, size_t length) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool written = write(fd, text, length) == (ssize_t)length;
  close(fd);
  return written;
}

/* "ID ID 1": maps one id to itself. */
static size_t identity_map(char *out, unsigned id) {
  char digits[12];
  size_t count = 0, length = 0;
  do {
    digits[count++] = (char)('0' + id % 10);
    id /= 10;
  } while (id);
  for (int copy = 0; copy < 2; copy++) {
    for (size_t i = count; i-- > 0;) out[length++] = digits[i];
    out[length++] = ' ';
  }
  out[length++] = '1';
  return length;
}

static void leave_network(const SpawnPlan *plan) {
  if (unshare(CLONE_NEWNET | CLONE_NEWIPC) == 0) return;
  unsigned uid = geteuid(), gid = getegid();
  /* A user namespace gives the right to it; the caller's own ids stay what they are. */
  if (errno != EPERM || unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC) != 0) {
    missed(plan, STEP_NETWORK, "unshare");
    return;
  }
  char map[40];
  write_file("/proc/self/setgroups", "deny", 4);
  write_file("/proc/self/uid_map", map, identity_map(map, uid));
  write_file("/proc/self/gid_map", map, identity_map(map, gid));
}

static void drop_bounding_set(const SpawnPlan *plan) {
  for (int capability = 0; capability < CAPABILITIES; capability++) {
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    if (errno != EINVAL) missed(plan, STEP_BOUNDING_SET, "prctl"); /* EINVAL: past the last */
    return;
  }
}

static void change_user(const SpawnPlan *plan) {
  const char *failed = NULL;
  int error = 0;
  if (syscall(SYS_setgroups, 0, NULL) != 0) {
    error = errno;
    failed = "setgroups";
  }
  if (syscall(SYS_setresgid, plan->gid, plan->gid, plan->gid) != 0 && !failed) {
    error = errno;
    failed = "setresgid";
  }
  if (syscall(SYS_setresuid, plan->uid, plan->uid, plan->uid) != 0 && !failed) {
    error = errno;
    failed = "setresuid";
  }
  if (!failed) return;
  errno = error;
  missed(plan, STEP_USER, failed);
}

static void drop_capabilities(const SpawnPlan *plan) {
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); /* EINVAL before Linux 4.3; capset empties it, too */
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
  memset(data, 0, sizeof data);
  if (syscall(SYS_capset, &header, data) != 0) missed(plan, STEP_CAPABILITIES, "capset");
}

static void execute(const SpawnPlan *plan) {
  execve(plan->path, plan->args.items, plan->env.items);
  /* A directory on the way that the new user may not enter: by the descriptor, which the caller opened. */
  if (errno == EACCES && plan->program_fd >= 0) {
    syscall(SYS_execveat, plan->program_fd, "", plan->args.items, plan->env.items, AT_EMPTY_PATH);
    if (errno == ENOSYS) errno = EACCES;
  }
  fail(plan, "execve");
}

_Noreturn void spawn_child(SpawnPlan *plan) {
  place_descriptors(plan);
  if (wants(plan, STEP_SESSION) && setsid() < 0) missed(plan, STEP_SESSION, "setsid");
  if (plan->cwd && chdir(plan->cwd) != 0) fail(plan, "chdir");
  for (int i = 0; i < plan->limit_count; i++) {
    if (syscall(SYS_prlimit64, 0, plan->limits[i].resource, &plan->limits[i].limit, NULL) != 0) {
      missed(plan, STEP_RLIMITS, "setrlimit");
    }
  }
  if (wants(plan, STEP_NETWORK)) leave_network(plan);
  if (wants(plan, STEP_BOUNDING_SET)) drop_bounding_set(plan);
  if (wants(plan, STEP_USER)) change_user(plan);
  if (wants(plan, STEP_CAPABILITIES)) drop_capabilities(plan);
  if (wants(plan, STEP_PARENT_DEATH_SIGNAL)) {
    /* After the change of user, which clears it. A parent that ended before this has no death left to signal. */
    if (prctl(PR_SET_PDEATHSIG, plan->parent_death_signal, 0, 0, 0) != 0)
      missed(plan, STEP_PARENT_DEATH_SIGNAL, "prctl");
    if (getppid() != plan->parent) _exit(127);
  }
  if (wants(plan, STEP_NO_NEW_PRIVS) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    missed(plan, STEP_NO_NEW_PRIVS, "prctl");
  }
  reset_signals();
  if (wants(plan, STEP_SECCOMP)) {
    int error = filter_install(&plan->filter, 0);
    errno = error;
    if (error) missed(plan, STEP_SECCOMP, "seccomp");
  }
  execute(plan);
  _exit(127);
}
