/* A file in one call: for files of /proc, of which a thousand may be read while a process waits. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "args.h"
#include "bindings.h"
#include "result.h"

static int open_file(const char *path) {
  int fd;
  do {
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

/* Up to `length` bytes, or -errno; `once`: what a single call gives. */
static int64_t read_all(int fd, uint8_t *into, size_t length, bool once) {
  size_t done = 0;
  while (done < length) {
    const ssize_t count = read(fd, into + done, length - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -errno;
    done += (size_t)count;
    if (count == 0 || once) break;
  }
  return (int64_t)done;
}

static napi_value read_file(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  char path[PATH_MAX];
  value_string(&args, args.at[0], "path", path, sizeof path);
  Bytes buffer = value_bytes(&args, args.at[1], "buffer", 0);
  size_t offset = (size_t)value_integer_or(&args, args.at[2], "offset", 0, (int64_t)buffer.length, 0);
  bool once = value_boolean_or(&args, args.at[3], "once", false);
  if (args.failed) return NULL;
  const int fd = open_file(path);
  if (fd < 0) return result_integer(env, -errno);
  const int64_t result = read_all(fd, buffer.data + offset, buffer.length - offset, once);
  close(fd);
  return result_integer(env, result);
}

const Export whole_file_exports[] = {
    {"readFile", read_file},
    {NULL, NULL},
};
