/*
 * Arguments from JavaScript, checked. One place decides what is well-formed; the bindings see plain C values.
 *
 * An Args carries a sticky failure: after the first bad argument (an exception is pending then) every further getter
 * returns a zero at once. So a binding reads all its arguments and looks at `failed` once, before it does anything.
 *
 * Reading properties and array elements may run JavaScript (getters, proxies), which may detach a buffer. Therefore:
 * objects and arrays first, byte buffers and typed arrays last.
 */
#pragma once

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ARGS_MAX = 8 };

typedef struct {
  napi_env env;
  size_t count;
  napi_value self;
  napi_value at[ARGS_MAX]; /* undefined where missing */
  bool failed;
} Args;

typedef struct {
  uint8_t *data; /* never NULL */
  size_t length;
} Bytes;

/* A JavaScript value as an argument of the system: name is for the message. */
void args_read(Args *args, napi_env env, napi_callback_info info);
/* An Args without arguments, for checking values that came another way. */
void args_empty(Args *args, napi_env env);

/* Not undefined and not null. */
bool value_given(Args *args, napi_value value);
/* A Number that is an integer in [minimum, maximum]. */
int64_t value_integer(Args *args, napi_value value, const char *name, int64_t minimum, int64_t maximum);
int64_t value_integer_or(Args *args, napi_value value, const char *name, int64_t minimum, int64_t maximum,
                         int64_t missing);
/* A finite Number in [0, maximum]. */
double value_double(Args *args, napi_value value, const char *name, double maximum);
bool value_boolean(Args *args, napi_value value, const char *name);
bool value_boolean_or(Args *args, napi_value value, const char *name, bool missing);
/* A Number that is an integer in [0, 2^53) or a BigInt in [0, 2^64). */
uint64_t value_address(Args *args, napi_value value, const char *name);
/* A string of at most capacity - 1 bytes of UTF-8 without NUL; NUL-terminated in out. Returns its length. */
size_t value_string(Args *args, napi_value value, const char *name, char *out, size_t capacity);
/* The same in memory of its own (free it), at most maximum bytes. */
char *value_string_copy(Args *args, napi_value value, const char *name, size_t maximum);
/* A string or a Uint8Array; NUL inside is allowed where `nul` is. */
size_t value_name(Args *args, napi_value value, const char *name, bool nul, char *out, size_t capacity);
/* A Uint8Array of at least `minimum` bytes. */
Bytes value_bytes(Args *args, napi_value value, const char *name, size_t minimum);
/* A typed array of this type and at least `minimum` elements; returns its data, its length in *length. */
void *value_typed(Args *args, napi_value value, const char *name, napi_typedarray_type type, size_t minimum,
                  size_t *length);
napi_typedarray_type value_typed_kind(Args *args, napi_value value, const char *name);
/* An array; returns its length, at most `maximum`. */
uint32_t value_array(Args *args, napi_value value, const char *name, uint32_t maximum);
napi_value value_element(Args *args, napi_value array, uint32_t index);
/* An object that is no array. */
void value_object(Args *args, napi_value value, const char *name);
/* A property, undefined where missing. */
napi_value value_property(Args *args, napi_value object, const char *property);
void value_function(Args *args, napi_value value, const char *name);

/* Common shapes. */
int32_t value_tid(Args *args, napi_value value, const char *name);
int32_t value_fd(Args *args, napi_value value, const char *name);
int32_t value_signal(Args *args, napi_value value, const char *name); /* 0..64 */

/* Throws; sets failed. */
void args_type_error(Args *args, const char *name, const char *must);
void args_value_error(Args *args, const char *name, const char *must);
