#include "result.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAME(error) \
  case error:       \
    return #error

const char *errno_name(int error) {
  switch (error) {
    NAME(EPERM); NAME(ENOENT); NAME(ESRCH); NAME(EINTR); NAME(EIO); NAME(ENXIO); NAME(E2BIG); NAME(ENOEXEC);
    NAME(EBADF); NAME(ECHILD); NAME(EAGAIN); NAME(ENOMEM); NAME(EACCES); NAME(EFAULT); NAME(ENOTBLK); NAME(EBUSY);
    NAME(EEXIST); NAME(EXDEV); NAME(ENODEV); NAME(ENOTDIR); NAME(EISDIR); NAME(EINVAL); NAME(ENFILE); NAME(EMFILE);
    NAME(ENOTTY); NAME(ETXTBSY); NAME(EFBIG); NAME(ENOSPC); NAME(ESPIPE); NAME(EROFS); NAME(EMLINK); NAME(EPIPE);
    NAME(EDOM); NAME(ERANGE); NAME(EDEADLK); NAME(ENAMETOOLONG); NAME(ENOLCK); NAME(ENOSYS); NAME(ENOTEMPTY);
    NAME(ELOOP); NAME(ENODATA); NAME(ETIME); NAME(ENOLINK); NAME(EPROTO); NAME(EBADMSG); NAME(EOVERFLOW); NAME(EILSEQ);
    NAME(EUSERS); NAME(ENOTSOCK); NAME(EDESTADDRREQ); NAME(EMSGSIZE); NAME(EPROTOTYPE); NAME(ENOPROTOOPT);
    NAME(EPROTONOSUPPORT); NAME(ESOCKTNOSUPPORT); NAME(EOPNOTSUPP); NAME(EPFNOSUPPORT); NAME(EAFNOSUPPORT);
    NAME(EADDRINUSE); NAME(EADDRNOTAVAIL); NAME(ENETDOWN); NAME(ENETUNREACH); NAME(ECONNABORTED); NAME(ECONNRESET);
    NAME(ENOBUFS); NAME(EISCONN); NAME(ENOTCONN); NAME(ESHUTDOWN); NAME(ETOOMANYREFS); NAME(ETIMEDOUT);
    NAME(ECONNREFUSED); NAME(EHOSTDOWN); NAME(EHOSTUNREACH); NAME(EALREADY); NAME(EINPROGRESS); NAME(ESTALE);
    NAME(EDQUOT); NAME(ECANCELED); NAME(EOWNERDEAD); NAME(ENOTRECOVERABLE);
    default: return "EUNKNOWN";
  }
}

void set_integer(napi_env env, napi_value object, const char *name, int64_t value) {
  napi_set_named_property(env, object, name, result_integer(env, value));
}

void set_string(napi_env env, napi_value object, const char *name, const char *value) {
  napi_value string;
  if (napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &string) == napi_ok) {
    napi_set_named_property(env, object, name, string);
  }
}

napi_value system_error(napi_env env, int error, const char *syscall) {
  char text[160];
  snprintf(text, sizeof text, "%s: %s, %s", errno_name(error), strerror(error), syscall);
  napi_value code, message, object = NULL;
  if (napi_create_string_utf8(env, errno_name(error), NAPI_AUTO_LENGTH, &code) != napi_ok ||
      napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message) != napi_ok ||
      napi_create_error(env, code, message, &object) != napi_ok) {
    return NULL;
  }
  set_integer(env, object, "errno", error);
  set_string(env, object, "syscall", syscall);
  return object;
}

napi_value throw_system_error(napi_env env, int error, const char *syscall) {
  napi_value object = system_error(env, error, syscall);
  if (object) napi_throw(env, object);
  return NULL;
}

napi_value result_integer(napi_env env, int64_t value) {
  napi_value result = NULL;
  napi_create_int64(env, value, &result);
  return result;
}

napi_value result_null(napi_env env) {
  napi_value result = NULL;
  napi_get_null(env, &result);
  return result;
}

napi_value result_boolean(napi_env env, bool value) {
  napi_value result = NULL;
  napi_get_boolean(env, value, &result);
  return result;
}

napi_value result_fd(napi_env env, int fd, const char *syscall) {
  return fd < 0 ? throw_system_error(env, errno, syscall) : result_integer(env, fd);
}

napi_value result_done(napi_env env, long result, const char *syscall) {
  return result < 0 ? throw_system_error(env, errno, syscall) : NULL;
}

napi_value result_pair(napi_env env, int first, int second) {
  napi_value pair = NULL;
  if (napi_create_array_with_length(env, 2, &pair) != napi_ok) return NULL;
  napi_set_element(env, pair, 0, result_integer(env, first));
  napi_set_element(env, pair, 1, result_integer(env, second));
  return pair;
}
