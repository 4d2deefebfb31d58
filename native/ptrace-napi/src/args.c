#include "args.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SAFE_INTEGER 9007199254740991.0

static void fail(Args *args, const char *code, const char *name, const char *must, bool range) {
  if (args->failed) return;
  args->failed = true;
  char message[256];
  snprintf(message, sizeof message, "The \"%s\" argument must be %s", name, must);
  if (range) {
    napi_throw_range_error(args->env, code, message);
  } else {
    napi_throw_type_error(args->env, code, message);
  }
}

void args_type_error(Args *args, const char *name, const char *must) {
  fail(args, "ERR_INVALID_ARG_TYPE", name, must, false);
}

void args_value_error(Args *args, const char *name, const char *must) {
  fail(args, "ERR_INVALID_ARG_VALUE", name, must, true);
}

/* After a Node-API call that may have run JavaScript: whatever it threw stays pending. */
static bool ok(Args *args, napi_status status, const char *name) {
  if (status == napi_ok) return true;
  bool pending = false;
  napi_is_exception_pending(args->env, &pending);
  if (pending) {
    args->failed = true;
  } else {
    args_type_error(args, name, "readable");
  }
  return false;
}

void args_empty(Args *args, napi_env env) {
  memset(args, 0, sizeof *args);
  args->env = env;
}

void args_read(Args *args, napi_env env, napi_callback_info info) {
  args_empty(args, env);
  args->count = ARGS_MAX;
  if (napi_get_cb_info(env, info, &args->count, args->at, &args->self, NULL) != napi_ok) args->failed = true;
}

static napi_valuetype type_of(Args *args, napi_value value) {
  napi_valuetype type = napi_undefined;
  if (value) napi_typeof(args->env, value, &type);
  return type;
}

bool value_given(Args *args, napi_value value) {
  napi_valuetype type = type_of(args, value);
  return type != napi_undefined && type != napi_null;
}

int64_t value_integer(Args *args, napi_value value, const char *name, int64_t minimum, int64_t maximum) {
  if (args->failed) return 0;
  double number = 0;
  if (type_of(args, value) != napi_number || napi_get_value_double(args->env, value, &number) != napi_ok) {
    args_type_error(args, name, "an integer");
    return 0;
  }
  /* The comparisons are false for NaN. */
  if (!(number >= (double)minimum && number <= (double)maximum) || number != floor(number)) {
    char must[96];
    snprintf(must, sizeof must, "an integer from %lld to %lld", (long long)minimum, (long long)maximum);
    args_value_error(args, name, must);
    return 0;
  }
  return (int64_t)number;
}

int64_t value_integer_or(Args *args, napi_value value, const char *name, int64_t minimum, int64_t maximum,
                         int64_t missing) {
  if (args->failed || !value_given(args, value)) return missing;
  return value_integer(args, value, name, minimum, maximum);
}

double value_double(Args *args, napi_value value, const char *name, double maximum) {
  if (args->failed) return 0;
  double number = 0;
  if (type_of(args, value) != napi_number || napi_get_value_double(args->env, value, &number) != napi_ok) {
    args_type_error(args, name, "a number");
    return 0;
  }
  if (!(number >= 0 && number <= maximum)) {
    char must[64];
    snprintf(must, sizeof must, "a number from 0 to %.0f", maximum);
    args_value_error(args, name, must);
    return 0;
  }
  return number;
}

bool value_boolean(Args *args, napi_value value, const char *name) {
  if (args->failed) return false;
  bool result = false;
  if (type_of(args, value) != napi_boolean || napi_get_value_bool(args->env, value, &result) != napi_ok) {
    args_type_error(args, name, "a boolean");
  }
  return result;
}

bool value_boolean_or(Args *args, napi_value value, const char *name, bool missing) {
  if (args->failed || !value_given(args, value)) return missing;
  return value_boolean(args, value, name);
}

uint64_t value_address(Args *args, napi_value value, const char *name) {
  if (args->failed) return 0;
  if (type_of(args, value) != napi_bigint)
    return (uint64_t)value_integer(args, value, name, 0, (int64_t)MAX_SAFE_INTEGER);
  uint64_t address = 0;
  bool lossless = false;
  if (napi_get_value_bigint_uint64(args->env, value, &address, &lossless) != napi_ok || !lossless) {
    args_value_error(args, name, "a BigInt from 0 to 2^64 - 1");
    return 0;
  }
  return address;
}

size_t value_string(Args *args, napi_value value, const char *name, char *out, size_t capacity) {
  out[0] = 0;
  if (args->failed) return 0;
  size_t length = 0;
  if (type_of(args, value) != napi_string ||
      napi_get_value_string_utf8(args->env, value, NULL, 0, &length) != napi_ok) {
    args_type_error(args, name, "a string");
    return 0;
  }
  if (length >= capacity) {
    char must[64];
    snprintf(must, sizeof must, "at most %zu bytes", capacity - 1);
    args_value_error(args, name, must);
    return 0;
  }
  napi_get_value_string_utf8(args->env, value, out, capacity, &length);
  if (memchr(out, 0, length)) {
    args_value_error(args, name, "without NUL");
    return 0;
  }
  return length;
}

char *value_string_copy(Args *args, napi_value value, const char *name, size_t maximum) {
  if (args->failed) return NULL;
  size_t length = 0;
  if (type_of(args, value) != napi_string ||
      napi_get_value_string_utf8(args->env, value, NULL, 0, &length) != napi_ok) {
    args_type_error(args, name, "a string");
    return NULL;
  }
  size_t capacity = (length < maximum ? length : maximum) + 1;
  char *copy = malloc(capacity);
  if (!copy) {
    args_value_error(args, name, "small enough for the memory that is left");
    return NULL;
  }
  value_string(args, value, name, copy, capacity);
  return copy;
}

size_t value_name(Args *args, napi_value value, const char *name, bool nul, char *out, size_t capacity) {
  out[0] = 0;
  if (args->failed) return 0;
  bool typed = false;
  size_t length = 0;
  napi_is_typedarray(args->env, value, &typed);
  if (typed) {
    Bytes bytes = value_bytes(args, value, name, 0);
    if (args->failed) return 0;
    length = bytes.length;
    if (length < capacity) memcpy(out, bytes.data, length);
  } else if (type_of(args, value) == napi_string) {
    napi_get_value_string_utf8(args->env, value, NULL, 0, &length);
    if (length < capacity) napi_get_value_string_utf8(args->env, value, out, capacity, &length);
  } else {
    args_type_error(args, name, "a string or a Uint8Array");
    return 0;
  }
  if (length == 0 || length >= capacity) {
    char must[64];
    snprintf(must, sizeof must, "1 to %zu bytes long", capacity - 1);
    args_value_error(args, name, must);
    return 0;
  }
  out[length] = 0;
  if (!nul && memchr(out, 0, length)) {
    args_value_error(args, name, "without NUL");
    return 0;
  }
  return length;
}

static uint8_t nothing[16]; /* what an empty array's data points to */

Bytes value_bytes(Args *args, napi_value value, const char *name, size_t minimum) {
  Bytes bytes = {nothing, 0};
  bytes.data = value_typed(args, value, name, napi_uint8_array, minimum, &bytes.length);
  return bytes;
}

napi_typedarray_type value_typed_kind(Args *args, napi_value value, const char *name) {
  napi_typedarray_type type = napi_int8_array;
  bool typed = false;
  if (args->failed) return type;
  napi_is_typedarray(args->env, value, &typed);
  if (!typed || napi_get_typedarray_info(args->env, value, &type, NULL, NULL, NULL, NULL) != napi_ok) {
    args_type_error(args, name, "a typed array");
  }
  return type;
}

static const char *typed_name(napi_typedarray_type type) {
  switch (type) {
    case napi_uint8_array: return "a Uint8Array";
    case napi_int32_array: return "an Int32Array";
    case napi_uint32_array: return "a Uint32Array";
    case napi_float64_array: return "a Float64Array";
    case napi_biguint64_array: return "a BigUint64Array";
    default: return "a typed array";
  }
}

void *value_typed(Args *args, napi_value value, const char *name, napi_typedarray_type type, size_t minimum,
                  size_t *length) {
  *length = 0;
  if (args->failed) return nothing;
  bool typed = false;
  napi_is_typedarray(args->env, value, &typed);
  napi_typedarray_type actual = napi_int8_array;
  void *data = NULL;
  size_t elements = 0;
  if (!typed || napi_get_typedarray_info(args->env, value, &actual, &elements, &data, NULL, NULL) != napi_ok ||
      actual != type) {
    args_type_error(args, name, typed_name(type));
    return nothing;
  }
  /* A detached array has no data, whatever length it reports. */
  if (!data) elements = 0;
  if (elements < minimum) {
    char must[64];
    snprintf(must, sizeof must, "at least %zu elements long", minimum);
    args_value_error(args, name, must);
    return nothing;
  }
  *length = elements;
  return elements ? data : nothing;
}

uint32_t value_array(Args *args, napi_value value, const char *name, uint32_t maximum) {
  if (args->failed) return 0;
  bool array = false;
  napi_is_array(args->env, value, &array);
  uint32_t length = 0;
  if (!array || napi_get_array_length(args->env, value, &length) != napi_ok) {
    args_type_error(args, name, "an array");
    return 0;
  }
  if (length > maximum) {
    char must[64];
    snprintf(must, sizeof must, "at most %u elements long", maximum);
    args_value_error(args, name, must);
    return 0;
  }
  return length;
}

napi_value value_element(Args *args, napi_value array, uint32_t index) {
  napi_value element = NULL;
  if (!args->failed) ok(args, napi_get_element(args->env, array, index, &element), "element");
  if (!element) napi_get_undefined(args->env, &element);
  return element;
}

void value_object(Args *args, napi_value value, const char *name) {
  if (args->failed) return;
  bool array = false;
  napi_is_array(args->env, value, &array);
  if (array || type_of(args, value) != napi_object) args_type_error(args, name, "an object");
}

napi_value value_property(Args *args, napi_value object, const char *property) {
  napi_value value = NULL;
  if (!args->failed) ok(args, napi_get_named_property(args->env, object, property, &value), property);
  if (!value) napi_get_undefined(args->env, &value);
  return value;
}

void value_function(Args *args, napi_value value, const char *name) {
  if (!args->failed && type_of(args, value) != napi_function) args_type_error(args, name, "a function");
}

int32_t value_tid(Args *args, napi_value value, const char *name) {
  return (int32_t)value_integer(args, value, name, 1, INT32_MAX);
}

int32_t value_fd(Args *args, napi_value value, const char *name) {
  return (int32_t)value_integer(args, value, name, 0, INT32_MAX);
}

int32_t value_signal(Args *args, napi_value value, const char *name) {
  return (int32_t)value_integer(args, value, name, 0, 64);
}
