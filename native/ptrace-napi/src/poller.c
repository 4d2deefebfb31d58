/*
 * A watch on a descriptor by Node's event loop: uv_poll, its callback a JavaScript function.
 *
 * A Poller has up to two owners, the libuv handle (until its close callback) and the JavaScript object (until its
 * finalizer), and is freed by the last. While it is open the object is held by a strong reference, so it cannot vanish
 * unclosed. When the environment ends first, the cleanup hook closes the handle, and Node runs the loop until the hook
 * is removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "args.h"
#include "bindings.h"
#include "result.h"
#include "uv.h"

enum { EVENTS = UV_READABLE | UV_WRITABLE | UV_DISCONNECT | UV_PRIORITIZED };

typedef struct {
  napi_env env;
  napi_ref object;   /* strong while open */
  napi_ref callback; /* while open */
  napi_async_context context;
  napi_async_cleanup_hook_handle hook;
  uv_poll_t *handle; /* NULL once closing */
  int fd;
  int events;
  int owners;
} Poller;

/* Marks our objects, so that a method called on another one does not take its pointer for a Poller. */
static const napi_type_tag poller_tag = {0x6b1f5e0c9d2a4f37, 0x91c3e8d74a06b25f};

static void release(Poller *poller) {
  if (--poller->owners == 0) free(poller);
}

static void handle_closed(uv_handle_t *handle) {
  Poller *poller = uv_handle_get_data(handle);
  if (poller->hook) napi_remove_async_cleanup_hook(poller->hook);
  free(handle);
  release(poller);
}

static void close_poller(Poller *poller) {
  uv_poll_t *handle = poller->handle;
  if (!handle) return;
  poller->handle = NULL;
  uv_poll_stop(handle);
  napi_delete_reference(poller->env, poller->callback);
  napi_delete_reference(poller->env, poller->object);
  napi_async_destroy(poller->env, poller->context);
  uv_close((uv_handle_t *)handle, handle_closed);
}

static void environment_ends(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook; /* removed when the handle has been closed */
  close_poller(data);
}

static void object_finalized(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  release(data);
}

static void polled(uv_poll_t *handle, int status, int events) {
  Poller *poller = uv_handle_get_data((uv_handle_t *)handle);
  napi_env env = poller->env;
  if (status < 0 && fcntl(poller->fd, F_GETFD) >= 0) {
    /*
     * libuv stops at POLLERR and calls it EBADF. On a live descriptor it is what the next read or write will tell
     * (ECONNRESET, EPIPE): every awaited event "is there". */
    status = uv_poll_start(handle, poller->events, polled);
    events = poller->events;
  }
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value object, callback, arguments[2];
  if (napi_get_reference_value(env, poller->object, &object) == napi_ok && object &&
      napi_get_reference_value(env, poller->callback, &callback) == napi_ok && callback) {
    arguments[0] = status < 0 ? system_error(env, -status, "poll") : result_null(env);
    arguments[1] = result_integer(env, status < 0 ? 0 : events);
    napi_make_callback(env, poller->context, object, callback, 2, arguments, NULL);
    /* The poller may be closed now, but not freed: the close callback comes in a later phase of the loop. */
    bool pending = false;
    napi_value thrown;
    if (napi_is_exception_pending(env, &pending) == napi_ok && pending &&
        napi_get_and_clear_last_exception(env, &thrown) == napi_ok) {
      napi_fatal_exception(env, thrown);
    }
  }
  napi_close_handle_scope(env, scope);
}

/* The Poller of `this`; NULL with an exception pending. */
static Poller *unwrap(Args *args, napi_env env, napi_callback_info info) {
  args_read(args, env, info);
  if (args->failed) return NULL;
  bool ours = false;
  void *data = NULL;
  napi_valuetype type = napi_undefined;
  napi_typeof(env, args->self, &type);
  if (type == napi_object && napi_check_object_type_tag(env, args->self, &poller_tag, &ours) == napi_ok && ours) {
    napi_unwrap(env, args->self, &data);
  }
  if (!data) args_type_error(args, "this", "a poller");
  return data;
}

static napi_value poller_update(napi_env env, napi_callback_info info) {
  Args args;
  Poller *poller = unwrap(&args, env, info);
  int64_t events = value_integer(&args, args.at[0], "events", 0, EVENTS);
  if (args.failed) return NULL;
  if (!poller->handle) return throw_system_error(env, EBADF, "poll");
  poller->events = (int)events;
  int status = events ? uv_poll_start(poller->handle, (int)events, polled) : uv_poll_stop(poller->handle);
  return status < 0 ? throw_system_error(env, -status, "poll") : NULL;
}

static napi_value poller_close(napi_env env, napi_callback_info info) {
  Args args;
  Poller *poller = unwrap(&args, env, info);
  if (!args.failed) close_poller(poller);
  return NULL;
}

static napi_value poller_ref(napi_env env, napi_callback_info info) {
  Args args;
  Poller *poller = unwrap(&args, env, info);
  if (!args.failed && poller->handle) uv_ref((uv_handle_t *)poller->handle);
  return NULL;
}

static napi_value poller_unref(napi_env env, napi_callback_info info) {
  Args args;
  Poller *poller = unwrap(&args, env, info);
  if (!args.failed && poller->handle) uv_unref((uv_handle_t *)poller->handle);
  return NULL;
}

/* Each environment (each worker thread) has its class, kept in its instance data. */
static napi_value construct(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  return args.self; /* only poll() makes it a poller */
}

static void class_finalized(napi_env env, void *data, void *hint) {
  (void)hint;
  napi_delete_reference(env, data);
}

static napi_value poller_class(napi_env env) {
  void *data = NULL;
  napi_value class = NULL;
  if (napi_get_instance_data(env, &data) == napi_ok && data) {
    return napi_get_reference_value(env, data, &class) == napi_ok ? class : NULL;
  }
  const napi_property_descriptor methods[] = {
      {"update", NULL, poller_update, NULL, NULL, NULL, napi_default_method, NULL},
      {"close", NULL, poller_close, NULL, NULL, NULL, napi_default_method, NULL},
      {"ref", NULL, poller_ref, NULL, NULL, NULL, napi_default_method, NULL},
      {"unref", NULL, poller_unref, NULL, NULL, NULL, napi_default_method, NULL},
  };
  napi_ref reference = NULL;
  if (napi_define_class(env, "Poller", NAPI_AUTO_LENGTH, construct, NULL, sizeof methods / sizeof *methods, methods,
                        &class) !=
          napi_ok ||
      napi_create_reference(env, class, 1, &reference) != napi_ok ||
      napi_set_instance_data(env, reference, class_finalized, NULL) != napi_ok) {
    return NULL;
  }
  return class;
}

/*
 * The JavaScript side of a new poller. On failure nothing of it is left but the object, which garbage collection takes.
 */
static bool attach(Poller *poller, napi_value object, napi_value callback) {
  napi_env env = poller->env;
  napi_value name;
  if (napi_create_string_utf8(env, "ptrace-napi:poll", NAPI_AUTO_LENGTH, &name) != napi_ok) return false;
  if (napi_type_tag_object(env, object, &poller_tag) != napi_ok) return false;
  if (napi_create_reference(env, callback, 1, &poller->callback) != napi_ok) return false;
  if (napi_async_init(env, object, name, &poller->context) != napi_ok) goto no_context;
  if (napi_add_async_cleanup_hook(env, environment_ends, poller, &poller->hook) != napi_ok) goto no_hook;
  /* Not the reference that napi_wrap gives: deleting that one would unhinge the wrapping. */
  if (napi_create_reference(env, object, 1, &poller->object) != napi_ok) goto no_reference;
  if (napi_wrap(env, object, poller, object_finalized, NULL, NULL) != napi_ok) goto no_wrap;
  poller->owners++;
  return true;
no_wrap:
  napi_delete_reference(env, poller->object);
no_reference:
  napi_remove_async_cleanup_hook(poller->hook);
  poller->hook = NULL;
no_hook:
  napi_async_destroy(env, poller->context);
no_context:
  napi_delete_reference(env, poller->callback);
  return false;
}

static napi_value poll_fd(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t fd = value_fd(&args, args.at[0], "fd");
  int64_t events = value_integer(&args, args.at[1], "events", 0, EVENTS);
  value_function(&args, args.at[2], "callback");
  if (args.failed) return NULL;
  /* libuv aborts or misjudges some descriptors that are not open. */
  if (fcntl(fd, F_GETFD) < 0) return throw_system_error(env, errno, "poll");

  uv_loop_t *loop = NULL;
  napi_value class = poller_class(env), object = NULL;
  if (!class || napi_get_uv_event_loop(env, (struct uv_loop_s **)&loop) != napi_ok ||
      napi_new_instance(env, class, 0, NULL, &object) != napi_ok) {
    return NULL;
  }
  Poller *poller = calloc(1, sizeof *poller);
  uv_poll_t *handle = calloc(1, uv_handle_size(UV_POLL));
  if (!poller || !handle) {
    free(poller);
    free(handle);
    return throw_system_error(env, ENOMEM, "poll");
  }
  int status = uv_poll_init(loop, handle, fd);
  if (status < 0) {
    free(poller);
    free(handle);
    return throw_system_error(env, -status, "poll");
  }
  *poller = (Poller){.env = env, .handle = handle, .fd = fd, .events = (int)events, .owners = 1};
  uv_handle_set_data((uv_handle_t *)handle, poller);
  if (!attach(poller, object, args.at[2])) {
    poller->handle = NULL;
    uv_close((uv_handle_t *)handle, handle_closed);
    return throw_system_error(env, ENOMEM, "poll");
  }
  status = events ? uv_poll_start(handle, (int)events, polled) : 0;
  if (status < 0) {
    close_poller(poller);
    return throw_system_error(env, -status, "poll");
  }
  return object;
}

const Export poller_exports[] = {
    {"poll", poll_fd},
    {NULL, NULL},
};
