/*
 * The two sides of "who may trace whom".
 *
 *   access target MODE       says "ready PID" and sleeps, as a process that MODE describes
 *   access ask SOCKET TID    asks the daemon at the abstract name for a backtrace, and prints the answer
 *   access attach TID        PTRACE_SEIZE and detach: exit status 0, or 1 with the reason
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const char *what) {
  perror(what);
  return 1;
}

static int target(const char *mode) {
  if (strcmp(mode, "undumpable") == 0 && prctl(PR_SET_DUMPABLE, 0) != 0) return fail("prctl");
  const bool bare = strcmp(mode, "bare namespace") == 0;
  if ((bare || strcmp(mode, "namespace") == 0) && unshare(CLONE_NEWUSER) != 0) return fail("unshare");
  if (bare) {
    /* Who makes a user namespace has all capabilities in it. */
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (syscall(SYS_capset, &header, none) != 0) return fail("capset");
  }
  if (strcmp(mode, "dropped") == 0) {
    /* A setuid program that has what it needs and gives its rights up for good. */
    if (open("/etc/shadow", O_RDONLY) < 0) return fail("/etc/shadow");
    const uid_t user = getuid();
    if (setresuid(user, user, user) != 0) return fail("setresuid");
  }
  printf("ready %d\n", (int)getpid());
  fflush(stdout);
  char byte;
  while (read(0, &byte, 1) > 0) {
    /* What is told on the way. */
    if (byte == 'u' && prctl(PR_SET_DUMPABLE, 0) != 0) return fail("prctl");
    printf("done %c\n", byte);
    fflush(stdout);
  }
  return 0;
}

static int ask(const char *name, int tid) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const size_t length = strlen(name);
  if (length >= sizeof address.sun_path) return 2;
  memcpy(address.sun_path + 1, name, length);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
  if (connect(fd, (struct sockaddr *)&address, size) != 0) return fail("connect");
  struct __attribute__((packed)) {
    int32_t action, tid;
    uint64_t abort_message;
    int32_t code;
  } request = {.action = 2, .tid = tid};
  if (send(fd, &request, sizeof request, MSG_NOSIGNAL) != (ssize_t)sizeof request) return fail("send");
  char buffer[4096];
  ssize_t count;
  while ((count = read(fd, buffer, sizeof buffer)) > 0) fwrite(buffer, 1, (size_t)count, stdout);
  return 0;
}

static int attach(int tid) {
  if (ptrace(PTRACE_SEIZE, tid, 0, 0) != 0) return fail("PTRACE_SEIZE");
  ptrace(PTRACE_INTERRUPT, tid, 0, 0);
  if (waitpid(tid, NULL, __WALL) != tid) return fail("waitpid");
  return ptrace(PTRACE_DETACH, tid, 0, 0) == 0 ? 0 : fail("PTRACE_DETACH");
}

int main(int count, char **arguments) {
  if (count == 3 && strcmp(arguments[1], "target") == 0) return target(arguments[2]);
  if (count == 4 && strcmp(arguments[1], "ask") == 0) return ask(arguments[2], atoi(arguments[3]));
  if (count == 3 && strcmp(arguments[1], "attach") == 0) return attach(atoi(arguments[2]));
  return 2;
}
