/* Descriptors: memory files, names for open files, flags. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "args.h"
#include "bindings.h"
#include "result.h"
#include "syscalls.h"

/* AT_FDCWD or a descriptor. */
static int32_t value_dir(Args *args, napi_value value, const char *name) {
  int32_t fd = (int32_t)value_integer(args, value, name, AT_FDCWD, INT32_MAX);
  if (!args->failed && fd < 0 && fd != AT_FDCWD) args_value_error(args, name, "a descriptor or AT_FDCWD");
  return fd;
}

static napi_value memfd_make(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  char name[250];
  value_string(&args, args.at[0], "name", name, sizeof name);
  bool sealing = false, cloexec = true;
  unsigned shift = 0;
  if (value_given(&args, args.at[1])) {
    value_object(&args, args.at[1], "options");
    sealing = value_boolean_or(&args, value_property(&args, args.at[1], "sealing"), "options.sealing", sealing);
    cloexec = value_boolean_or(&args, value_property(&args, args.at[1], "cloexec"), "options.cloexec", cloexec);
    napi_value given = value_property(&args, args.at[1], "hugePageShift");
    shift = (unsigned)value_integer_or(&args, given, "options.hugePageShift", 0, 63, 0);
  }
  if (args.failed) return NULL;
  unsigned flags = (sealing ? MFD_ALLOW_SEALING : 0) | (cloexec ? MFD_CLOEXEC : 0);
  if (shift) flags |= MFD_HUGETLB | shift << MFD_HUGE_SHIFT;
  return result_fd(env, (int)syscall(SYS_memfd_create, name, flags), "memfd_create");
}

static napi_value add_seals(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t fd = value_fd(&args, args.at[0], "fd");
  int64_t seals = value_integer(&args, args.at[1], "seals", 0, INT32_MAX);
  if (args.failed) return NULL;
  return result_done(env, fcntl(fd, F_ADD_SEALS, (int)seals), "fcntl");
}

static napi_value get_seals(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t fd = value_fd(&args, args.at[0], "fd");
  if (args.failed) return NULL;
  int seals = fcntl(fd, F_GET_SEALS);
  return seals < 0 ? throw_system_error(env, errno, "fcntl") : result_integer(env, seals);
}

static napi_value open_at(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t dir = value_dir(&args, args.at[0], "dirFd");
  char path[PATH_MAX];
  value_name(&args, args.at[1], "path", false, path, sizeof path);
  int64_t flags = value_integer(&args, args.at[2], "flags", 0, INT32_MAX);
  int64_t mode = value_integer_or(&args, args.at[3], "mode", 0, 07777, 0600);
  int64_t resolve = value_integer_or(&args, args.at[4], "resolve", 0, UINT32_MAX, 0);
  if (args.failed) return NULL;
  flags |= O_CLOEXEC | O_NOCTTY;
  int fd;
  if (resolve == 0) {
    do {
      fd = openat(dir, path, (int)flags, (mode_t)mode);
    } while (fd < 0 && errno == EINTR);
    return result_fd(env, fd, "openat");
  }
  /* openat2 refuses a mode without a creating flag, and most flags beside O_PATH. */
  bool creates = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
  if (flags & O_PATH) flags &= ~(int64_t)O_NOCTTY;
  struct {
    uint64_t flags, mode, resolve;
  } how = {(uint64_t)flags, creates ? (uint64_t)mode : 0, (uint64_t)resolve};
  do {
    fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
  } while (fd < 0 && errno == EINTR);
  return result_fd(env, fd, "openat2");
}

static napi_value link_fd(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t fd = value_fd(&args, args.at[0], "fd");
  int32_t dir = value_dir(&args, args.at[1], "dirFd");
  char name[PATH_MAX];
  value_name(&args, args.at[2], "name", false, name, sizeof name);
  if (args.failed) return NULL;
  if (linkat(fd, "", dir, name, AT_EMPTY_PATH) == 0) return NULL;
  /* ENOENT: without CAP_DAC_READ_SEARCH. Needs /proc. */
  if (errno != ENOENT && errno != EPERM) return throw_system_error(env, errno, "linkat");
  char own[32];
  snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
  return result_done(env, linkat(AT_FDCWD, own, dir, name, AT_SYMLINK_FOLLOW), "linkat");
}

static napi_value rename_at(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t from_dir = value_dir(&args, args.at[0], "fromDirFd");
  int32_t to_dir = value_dir(&args, args.at[2], "toDirFd");
  int64_t flags = value_integer_or(&args, args.at[4], "flags", 0, UINT32_MAX, 0);
  char from[PATH_MAX], to[PATH_MAX];
  value_name(&args, args.at[1], "from", false, from, sizeof from);
  value_name(&args, args.at[3], "to", false, to, sizeof to);
  if (args.failed) return NULL;
  return result_done(env, syscall(SYS_renameat2, from_dir, from, to_dir, to, (unsigned)flags), "renameat2");
}

static napi_value unlink_at(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t dir = value_dir(&args, args.at[0], "dirFd");
  char name[PATH_MAX];
  value_name(&args, args.at[1], "name", false, name, sizeof name);
  int64_t flags = value_integer_or(&args, args.at[2], "flags", 0, INT32_MAX, 0);
  if (args.failed) return NULL;
  return result_done(env, unlinkat(dir, name, (int)flags), "unlinkat");
}

static napi_value dup_fd(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t fd = value_fd(&args, args.at[0], "fd");
  int64_t minimum = value_integer_or(&args, args.at[1], "minimum", 0, INT32_MAX, 0);
  if (args.failed) return NULL;
  return result_fd(env, fcntl(fd, F_DUPFD_CLOEXEC, (int)minimum), "fcntl");
}

static napi_value change_flag(napi_env env, napi_callback_info info, int get, int set, int flag) {
  Args args;
  args_read(&args, env, info);
  int32_t fd = value_fd(&args, args.at[0], "fd");
  bool on = value_boolean(&args, args.at[1], "on");
  if (args.failed) return NULL;
  int flags = fcntl(fd, get);
  if (flags < 0) return throw_system_error(env, errno, "fcntl");
  return result_done(env, fcntl(fd, set, on ? flags | flag : flags & ~flag), "fcntl");
}

static napi_value set_cloexec(napi_env env, napi_callback_info info) {
  return change_flag(env, info, F_GETFD, F_SETFD, FD_CLOEXEC);
}

static napi_value set_nonblocking(napi_env env, napi_callback_info info) {
  return change_flag(env, info, F_GETFL, F_SETFL, O_NONBLOCK);
}

static napi_value make_pipe(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  bool non_blocking = value_boolean_or(&args, args.at[0], "nonBlocking", false);
  if (args.failed) return NULL;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | (non_blocking ? O_NONBLOCK : 0)) != 0) return throw_system_error(env, errno, "pipe2");
  return result_pair(env, ends[0], ends[1]);
}

static napi_value close_fd(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t fd = value_fd(&args, args.at[0], "fd");
  if (args.failed) return NULL;
  /* The descriptor is gone after EINTR, too: never again. */
  int result = close(fd);
  return result_done(env, result != 0 && errno == EINTR ? 0 : result, "close");
}

const Export descriptor_exports[] = {
    {"memfdCreate", memfd_make},
    {"addSeals", add_seals},
    {"getSeals", get_seals},
    {"openAt", open_at},
    {"linkFd", link_fd},
    {"renameAt", rename_at},
    {"unlinkAt", unlink_at},
    {"dupFd", dup_fd},
    {"setCloexec", set_cloexec},
    {"setNonBlocking", set_nonblocking},
    {"pipe", make_pipe},
    {"closeFd", close_fd},
    {NULL, NULL},
};
