/* Values and errors to JavaScript. */
#pragma once

#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>

/* The symbolic name of an errno, "EUNKNOWN" where there is none. */
const char *errno_name(int error);
/* An Error with code, errno and syscall. */
napi_value system_error(napi_env env, int error, const char *syscall);
/* Throws it; returns NULL, which is undefined as a result. */
napi_value throw_system_error(napi_env env, int error, const char *syscall);

napi_value result_integer(napi_env env, int64_t value);
napi_value result_null(napi_env env);
napi_value result_boolean(napi_env env, bool value);
/* A descriptor, or the thrown error where it is negative (errno is set). */
napi_value result_fd(napi_env env, int fd, const char *syscall);
/* Undefined, or the thrown error where `result` is negative (errno is set). */
napi_value result_done(napi_env env, long result, const char *syscall);
napi_value result_pair(napi_env env, int first, int second);
void set_integer(napi_env env, napi_value object, const char *name, int64_t value);
void set_string(napi_env env, napi_value object, const char *name, const char *value);

/* One exported function. */
typedef struct {
  const char *name;
  napi_callback function;
} Export;
