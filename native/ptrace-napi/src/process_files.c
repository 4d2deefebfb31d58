/*
 * What /proc tells of a process, many files in one call: a crashing process waits while they are read, and a call from
 * JavaScript for each open, read and close takes longer than the kernel does. Nothing here throws for what the system
 * refuses: results are -errno.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "bindings.h"
#include "result.h"

/* openat2(2): Linux 5.6, younger than some libc's headers. */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif

enum { MAX_NAMES = 65536, NAME_BYTES = 256, ENTRY_BYTES = 32 * 1024, UNTIMED_LINKS = 64 };

static int open_from(int directory, const char *path, int flags) {
  int fd;
  do {
    fd = openat(directory, path, flags | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  return fd < 0 ? -errno : fd;
}

static int open_directory(const char *path) { return open_from(AT_FDCWD, path, O_PATH | O_DIRECTORY); }

/* Up to `length` bytes of a file, or -errno. */
static int64_t read_from(int directory, const char *path, uint8_t *into, size_t length) {
  const int fd = open_from(directory, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return fd;
  size_t done = 0;
  int64_t result = 0;
  while (done < length) {
    const ssize_t count = read(fd, into + done, length - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) result = -errno;
    if (count <= 0) break;
    done += (size_t)count;
  }
  close(fd);
  return result < 0 ? result : (int64_t)done;
}

/* An array of strings, each in NAME_BYTES; NULL after a failure, or where there is none. Free it. */
static char (*read_names(Args *args, napi_value value, uint32_t *count))[NAME_BYTES] {
  *count = value_array(args, value, "names", MAX_NAMES);
  char(*names)[NAME_BYTES] = *count ? calloc(*count, NAME_BYTES) : NULL;
  if (*count && !names) {
    args->failed = true;
    throw_system_error(args->env, ENOMEM, "malloc");
    return NULL;
  }
  for (uint32_t i = 0; i < *count && !args->failed; i++) {
    value_string(args, value_element(args, value, i), "names", names[i], NAME_BYTES);
  }
  return names;
}

static napi_value read_files(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  char path[PATH_MAX];
  value_string(&args, args.at[0], "directory", path, sizeof path);
  uint32_t count = 0;
  char(*names)[NAME_BYTES] = args.failed ? NULL : read_names(&args, args.at[1], &count);
  size_t room;
  int32_t *sizes = value_typed(&args, args.at[3], "sizes", napi_int32_array, count, &room);
  Bytes buffer = value_bytes(&args, args.at[2], "buffer", 0);
  if (args.failed) {
    free(names);
    return NULL;
  }
  const int directory = open_directory(path);
  size_t used = 0;
  for (uint32_t i = 0; i < count; i++) {
    size_t limit = sizes[i] > 0 ? (size_t)sizes[i] : 0;
    if (directory < 0) {
      sizes[i] = directory;
      continue;
    }
    const size_t left = buffer.length - used;
    const bool fits = limit <= left;
    const int64_t result = read_from(directory, names[i], buffer.data + used, fits ? limit : left);
    /* It may go on where the buffer ends: nothing is said of it then. */
    const bool whole = fits || result < (int64_t)left;
    sizes[i] = (int32_t)(whole ? result : -ENOBUFS);
    if (result > 0) used += (size_t)result;
  }
  if (directory >= 0) close(directory);
  free(names);
  return result_integer(env, (int64_t)used);
}

static napi_value read_task_files(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  const int32_t pid = value_tid(&args, args.at[0], "pid");
  char name[NAME_BYTES];
  value_string(&args, args.at[2], "name", name, sizeof name);
  const size_t stride = (size_t)value_integer(&args, args.at[4], "stride", 0, UINT32_MAX);
  size_t count, room;
  const int32_t *tids = value_typed(&args, args.at[1], "tids", napi_int32_array, 0, &count);
  int32_t *sizes = value_typed(&args, args.at[5], "sizes", napi_int32_array, count, &room);
  Bytes buffer = value_bytes(&args, args.at[3], "buffer", 0);
  if (!args.failed && stride != 0 && buffer.length / stride < count) {
    args_value_error(&args, "buffer", "at least tids.length * stride bytes long");
  }
  if (args.failed) return NULL;
  char path[NAME_BYTES + 64];
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  const int directory = open_directory(path);
  int64_t succeeded = 0;
  for (size_t i = 0; i < count; i++) {
    sizes[i] = directory;
    if (directory < 0) continue;
    snprintf(path, sizeof path, "%d/%s", tids[i], name);
    const int fd = open_from(directory, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
      sizes[i] = fd;
      continue;
    }
    ssize_t got;
    do {
      got = read(fd, buffer.data + i * stride, stride);
    } while (got < 0 && errno == EINTR);
    sizes[i] = (int32_t)(got < 0 ? -errno : got);
    succeeded += got >= 0;
    close(fd);
  }
  if (directory >= 0) close(directory);
  return result_integer(env, succeeded);
}

/* As the kernel lays it out (getdents64(2)); libc's readdir would allocate. */
struct entry {
  uint64_t inode;
  int64_t next;
  uint16_t length;
  uint8_t type;
  char name[];
};

/* The number that a name is, -1 for another name. */
static int64_t number_of(const char *name) {
  int64_t value = 0;
  if (*name == '\0') return -1;
  for (; *name != '\0'; name++) {
    if (*name < '0' || *name > '9' || value > INT32_MAX / 10) return -1;
    value = value * 10 + (*name - '0');
  }
  return value <= INT32_MAX ? value : -1;
}

/*
 * Calls `each` with the entries of a directory that are numbers, in the order in which the kernel has them, until it
 * returns false. 0 or -errno.
 */
static int each_number(int directory, bool (*each)(void *context, int32_t number, const char *name), void *context) {
  char entries[ENTRY_BYTES] __attribute__((aligned(8)));
  for (;;) {
    const long length = syscall(SYS_getdents64, directory, entries, sizeof entries);
    if (length < 0) return -errno;
    if (length == 0) return 0;
    for (long at = 0; at < length;) {
      const struct entry *entry = (const struct entry *)(entries + at);
      at += entry->length;
      const int64_t number = number_of(entry->name);
      if (number >= 0 && !each(context, (int32_t)number, entry->name)) return 0;
    }
  }
}

struct list {
  int32_t *numbers;
  size_t room;
  int64_t count;
};

static bool add_number(void *context, int32_t number, const char *name) {
  (void)name;
  struct list *list = context;
  if ((size_t)list->count < list->room) list->numbers[list->count] = number;
  list->count++;
  return true;
}

static napi_value list_numbers(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  char path[PATH_MAX];
  value_string(&args, args.at[0], "directory", path, sizeof path);
  struct list list = {.count = 0};
  list.numbers = value_typed(&args, args.at[1], "numbers", napi_int32_array, 0, &list.room);
  if (args.failed) return NULL;
  const int directory = open_from(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
  if (directory < 0) return result_integer(env, directory);
  const int error = each_number(directory, add_number, &list);
  close(directory);
  return result_integer(env, error < 0 ? error : list.count);
}

struct links {
  int directory;
  Bytes buffer;
  size_t used;
  int64_t count, most;
  int64_t until;
  bool rest;
};

static int64_t nanoseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static bool add_link(void *context, int32_t number, const char *name) {
  struct links *links = context;
  const size_t head = 2 * sizeof(int32_t);
  const bool late = links->count >= UNTIMED_LINKS && nanoseconds() > links->until;
  if (late || links->count == links->most || links->buffer.length - links->used < head + PATH_MAX) {
    links->rest = true;
    return false;
  }
  uint8_t *to = links->buffer.data + links->used;
  const ssize_t length = readlinkat(links->directory, name, (char *)to + head, PATH_MAX);
  if (length < 0) return true; /* closed meanwhile */
  const int32_t both[2] = {number, (int32_t)length};
  memcpy(to, both, sizeof both);
  links->used += head + (size_t)length;
  links->count++;
  return true;
}

static napi_value read_links(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  char path[PATH_MAX];
  value_string(&args, args.at[0], "directory", path, sizeof path);
  struct links links = {.used = 0};
  links.most = value_integer(&args, args.at[2], "most", 0, INT32_MAX);
  const double milliseconds = value_double(&args, args.at[3], "timeoutMs", 1e9);
  links.buffer = value_bytes(&args, args.at[1], "buffer", 0);
  if (args.failed) return NULL;
  links.until = nanoseconds() + (int64_t)(milliseconds * 1e6);
  links.directory = open_from(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
  if (links.directory < 0) return result_pair(env, links.directory, 0);
  const int error = each_number(links.directory, add_link, &links);
  close(links.directory);
  return result_pair(env, error < 0 ? error : (int)links.used, links.rest);
}

/* Opens for reading what an O_PATH descriptor refers to, and closes that; -EINVAL for anything but a regular file. */
static int reopen_regular(int fd) {
  if (fd < 0) return fd;
  struct stat status;
  int result;
  if (fstat(fd, &status) != 0) {
    result = -errno;
  } else if (!S_ISREG(status.st_mode)) {
    result = -EINVAL;
  } else {
    char own[32];
    snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
    result = open_from(AT_FDCWD, own, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  }
  close(fd);
  return result;
}

static napi_value open_regular_files(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  char path[PATH_MAX];
  value_string(&args, args.at[0], "directory", path, sizeof path);
  uint32_t count = 0;
  char(*names)[NAME_BYTES] = args.failed ? NULL : read_names(&args, args.at[1], &count);
  size_t room;
  int32_t *fds = value_typed(&args, args.at[2], "fds", napi_int32_array, count, &room);
  int64_t opened = 0;
  if (!args.failed) {
    const int directory = open_directory(path);
    for (uint32_t i = 0; i < count; i++) {
      fds[i] = directory < 0 ? directory : reopen_regular(open_from(directory, names[i], O_PATH));
      opened += fds[i] >= 0;
    }
    if (directory >= 0) close(directory);
  }
  free(names);
  return args.failed ? NULL : result_integer(env, opened);
}

static napi_value open_below(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  const int32_t root = value_fd(&args, args.at[0], "root");
  char path[PATH_MAX];
  value_name(&args, args.at[1], "path", false, path, sizeof path);
  if (args.failed) return NULL;
  struct {
    uint64_t flags, mode, resolve;
  } how = {O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, 0x10 /* IN_ROOT */ | 0x02 /* NO_MAGICLINKS */ | 0x04 /* NO_SYMLINKS */};
  int64_t fd;
  do {
    fd = syscall(SYS_openat2, root, path, &how, sizeof how);
  } while (fd < 0 && errno == EINTR);
  return result_integer(env, fd < 0 ? -errno : fd);
}

static napi_value open_path(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  char path[PATH_MAX];
  value_string(&args, args.at[0], "path", path, sizeof path);
  return args.failed ? NULL : result_integer(env, open_from(AT_FDCWD, path, O_PATH));
}

static napi_value count_links(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  char path[PATH_MAX];
  value_string(&args, args.at[0], "path", path, sizeof path);
  if (args.failed) return NULL;
  struct stat status;
  return result_integer(env, stat(path, &status) != 0 ? -errno : (int64_t)status.st_nlink);
}

static napi_value poll_now(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  struct pollfd entry = {.fd = value_fd(&args, args.at[0], "fd")};
  entry.events = (short)value_integer_or(&args, args.at[1], "events", 0, INT16_MAX, POLLIN | POLLPRI);
  if (args.failed) return NULL;
  int result;
  do {
    result = poll(&entry, 1, 0);
  } while (result < 0 && errno == EINTR);
  if (result < 0) return throw_system_error(env, errno, "poll");
  return result_integer(env, entry.revents);
}

const Export process_file_exports[] = {
    {"readFiles", read_files},
    {"readTaskFiles", read_task_files},
    {"listNumbers", list_numbers},
    {"readLinks", read_links},
    {"openRegularFiles", open_regular_files},
    {"openBelow", open_below},
    {"openPath", open_path},
    {"countLinks", count_links},
    {"pollNow", poll_now},
    {NULL, NULL},
};
