/* Messages with descriptors and credentials: sendmsg(2), recvmsg(2), unix(7). */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "args.h"
#include "bindings.h"
#include "result.h"
#include "syscalls.h"

enum { MAX_FDS = 253 /* SCM_MAX_FD of the kernel */ };

/* Without descriptors by send(2), which a locked down process may still call. */
static ssize_t send_once(int fd, Bytes bytes, const int *fds, uint32_t count, int flags) {
  if (count == 0) return send(fd, bytes.data, bytes.length, flags);
  _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(MAX_FDS * sizeof(int))];
  memset(control, 0, CMSG_SPACE(count * sizeof(int)));
  struct iovec vector = {bytes.data, bytes.length};
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(count * sizeof(int))};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(count * sizeof(int));
  memcpy(CMSG_DATA(header), fds, count * sizeof(int));
  return sendmsg(fd, &message, flags);
}

static napi_value send_message(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t fd = value_fd(&args, args.at[0], "fd");
  int fds[MAX_FDS];
  uint32_t count = 0;
  if (value_given(&args, args.at[2])) {
    count = value_array(&args, args.at[2], "fds", MAX_FDS);
    for (uint32_t i = 0; i < count && !args.failed; i++)
      fds[i] = value_fd(&args, value_element(&args, args.at[2], i), "fds");
  }
  int64_t flags = value_integer_or(&args, args.at[3], "flags", 0, INT32_MAX, 0);
  Bytes bytes = value_bytes(&args, args.at[1], "bytes", 0);
  if (args.failed) return NULL;

  ssize_t sent;
  do {
    sent = send_once(fd, bytes, fds, count, (int)flags | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno == EAGAIN) return result_null(env);
  if (sent < 0) return throw_system_error(env, errno, count > 0 ? "sendmsg" : "send");
  return result_integer(env, sent);
}

/* What came beside the bytes. */
typedef struct {
  int fds[MAX_FDS];
  uint32_t count;
  bool surplus;
  int pidfd; /* -1: none */
  bool has_credentials;
  struct ucred credentials;
} Control;

static void read_control(struct msghdr *message, uint32_t maximum, Control *control) {
  for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_len < CMSG_LEN(0)) continue;
    size_t length = header->cmsg_len - CMSG_LEN(0);
    const uint8_t *data = CMSG_DATA(header);
    if (header->cmsg_type == SCM_RIGHTS) {
      for (size_t i = 0; i + sizeof(int) <= length; i += sizeof(int)) {
        int fd;
        memcpy(&fd, data + i, sizeof fd);
        if (control->count < maximum) {
          control->fds[control->count++] = fd;
        } else {
          control->surplus = true;
          close(fd);
        }
      }
    } else if (header->cmsg_type == SCM_PIDFD && length >= sizeof(int)) {
      int pidfd;
      memcpy(&pidfd, data, sizeof pidfd);
      if (control->pidfd >= 0) close(control->pidfd);
      control->pidfd = pidfd; /* the kernel says a negative number where it could make none */
    } else if (header->cmsg_type == SCM_CREDENTIALS && length >= sizeof control->credentials) {
      memcpy(&control->credentials, data, sizeof control->credentials);
      control->has_credentials = true;
    }
  }
}

static napi_value credentials_object(napi_env env, const struct ucred *credentials) {
  napi_value object = NULL;
  if (napi_create_object(env, &object) != napi_ok) return NULL;
  set_integer(env, object, "pid", credentials->pid);
  set_integer(env, object, "uid", credentials->uid);
  set_integer(env, object, "gid", credentials->gid);
  return object;
}

static napi_value message_object(napi_env env, ssize_t bytes, int flags, const Control *control) {
  napi_value result = NULL, fds = NULL;
  if (napi_create_object(env, &result) != napi_ok ||
      napi_create_array_with_length(env, control->count, &fds) != napi_ok) {
    return NULL;
  }
  for (uint32_t i = 0; i < control->count; i++) napi_set_element(env, fds, i, result_integer(env, control->fds[i]));
  set_integer(env, result, "bytes", bytes);
  napi_set_named_property(env, result, "fds", fds);
  if (control->has_credentials) {
    napi_set_named_property(env, result, "credentials", credentials_object(env, &control->credentials));
  }
  if (control->pidfd >= 0) set_integer(env, result, "pidfd", control->pidfd);
  napi_set_named_property(env, result, "truncated", result_boolean(env, (flags & MSG_TRUNC) != 0));
  napi_set_named_property(env, result, "fdsTruncated",
                          result_boolean(env, control->surplus || (flags & MSG_CTRUNC) != 0));
  return result;
}

static napi_value receive_message(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t fd = value_fd(&args, args.at[0], "fd");
  uint32_t maximum = (uint32_t)value_integer_or(&args, args.at[2], "maxFds", 0, MAX_FDS, 0);
  int64_t flags = value_integer_or(&args, args.at[3], "flags", 0, INT32_MAX, 0);
  Bytes buffer = value_bytes(&args, args.at[1], "buffer", 0);
  if (args.failed) return NULL;

  /* Room for all that can come, so that the kernel hands everything over and nothing is cut but by us. */
  _Alignas(struct cmsghdr) uint8_t
      space[CMSG_SPACE(MAX_FDS * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int)) + 256];
  struct iovec vector = {buffer.data, buffer.length};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
  ssize_t bytes;
  do {
    message.msg_controllen = sizeof space;
    bytes = recvmsg(fd, &message, (int)flags | MSG_CMSG_CLOEXEC);
  } while (bytes < 0 && errno == EINTR);
  if (bytes < 0 && errno == EAGAIN) return result_null(env);
  if (bytes < 0) return throw_system_error(env, errno, "recvmsg");
  Control control = {.pidfd = -1};
  read_control(&message, maximum, &control);
  napi_value result = message_object(env, bytes, message.msg_flags, &control);
  if (!result) {
    for (uint32_t i = 0; i < control.count; i++) close(control.fds[i]);
    if (control.pidfd >= 0) close(control.pidfd);
  }
  return result;
}

const Export message_exports[] = {
    {"sendMessage", send_message},
    {"receiveMessage", receive_message},
    {NULL, NULL},
};
