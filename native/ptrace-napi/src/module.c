/* The module: everything that the tables name, and the constants. */
#include <node_api.h>
#include <stddef.h>

#include "bindings.h"

static const Export *const tables[] = {
    ptrace_exports, memory_exports,     signal_exports, socket_exports, message_exports,
    poller_exports, descriptor_exports, prctl_exports,  spawn_exports,  seccomp_exports,
    heap_exports,   rights_exports,     whole_file_exports, process_file_exports,
    trace_access_exports,
};

NAPI_MODULE_INIT() {
  for (size_t table = 0; table < sizeof tables / sizeof *tables; table++) {
    for (const Export *entry = tables[table]; entry->name; entry++) {
      napi_value function;
      if (napi_create_function(env, entry->name, NAPI_AUTO_LENGTH, entry->function, NULL, &function) != napi_ok ||
          napi_set_named_property(env, exports, entry->name, function) != napi_ok) {
        return NULL;
      }
    }
  }
  napi_value constants = constants_object(env);
  if (!constants || napi_set_named_property(env, exports, "constants", constants) != napi_ok) return NULL;
  return exports;
}
