/* The options of spawnConfined, from JavaScript to a SpawnPlan. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spawn.h"

enum { MAX_STRINGS = 8192, MAX_STRING = 131071 /* the kernel's MAX_ARG_STRLEN less the NUL */ };

const char *const spawn_step_names[STEPS] = {
    "session", "rlimits", "network", "boundingSet", "user", "capabilities", "parentDeathSignal", "noNewPrivs",
        "seccomp",
};

static const struct {
  const char *name;
  int resource;
} resources[] = {
    {"as", RLIMIT_AS},           {"core", RLIMIT_CORE},     {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},       {"fsize", RLIMIT_FSIZE},   {"memlock", RLIMIT_MEMLOCK},
    {"nofile", RLIMIT_NOFILE},   {"nproc", RLIMIT_NPROC},   {"stack", RLIMIT_STACK},
};

void strings_free(Strings *strings) {
  for (size_t i = 0; strings->items && i < strings->count; i++) free(strings->items[i]);
  free(strings->items);
  *strings = (Strings){0};
}

static void strings_room(Args *args, const char *name, uint32_t count, Strings *strings) {
  if (args->failed) return;
  strings->items = calloc((size_t)count + 1, sizeof *strings->items);
  if (!strings->items) args_value_error(args, name, "small enough for the memory that is left");
}

void strings_from_array(Args *args, napi_value array, const char *name, Strings *strings) {
  uint32_t count = value_array(args, array, name, MAX_STRINGS);
  strings_room(args, name, count, strings);
  for (uint32_t i = 0; i < count && !args->failed; i++) {
    char *copy = value_string_copy(args, value_element(args, array, i), name, MAX_STRING);
    if (copy) strings->items[strings->count++] = copy;
  }
}

/* "NAME=value" of one property; NULL with an exception pending, or where the value is undefined. */
static char *environment_entry(Args *args, napi_value object, napi_value key, const char *name) {
  napi_value value = NULL;
  if (args->failed) return NULL;
  if (napi_get_property(args->env, object, key, &value) != napi_ok) {
    args->failed = true;
    return NULL;
  }
  napi_valuetype type = napi_undefined;
  napi_typeof(args->env, value, &type);
  if (type == napi_undefined) return NULL;
  char *variable = value_string_copy(args, key, name, MAX_STRING / 2);
  char *content = value_string_copy(args, value, name, MAX_STRING / 2);
  char *entry = NULL;
  if (!args->failed && (!*variable || strchr(variable, '='))) args_value_error(args, name, "with names without \"=\"");
  if (!args->failed) {
    size_t length = strlen(variable) + strlen(content) + 2;
    entry = malloc(length);
    if (entry) {
      snprintf(entry, length, "%s=%s", variable, content);
    } else {
      args_value_error(args, name, "small enough for the memory that is left");
    }
  }
  free(variable);
  free(content);
  return entry;
}

void strings_from_object(Args *args, napi_value object, const char *name, Strings *strings) {
  value_object(args, object, name);
  if (args->failed) return;
  napi_value keys = NULL;
  if (napi_get_all_property_names(args->env, object, napi_key_own_only, napi_key_enumerable | napi_key_skip_symbols,
                                  napi_key_numbers_to_strings, &keys) != napi_ok) {
    args->failed = true; /* a proxy threw */
    return;
  }
  uint32_t count = value_array(args, keys, name, MAX_STRINGS);
  strings_room(args, name, count, strings);
  for (uint32_t i = 0; i < count && !args->failed; i++) {
    char *entry = environment_entry(args, object, value_element(args, keys, i), name);
    if (entry) strings->items[strings->count++] = entry;
  }
}

static void read_fds(Args *args, napi_value fds, SpawnPlan *plan) {
  for (int i = 0; i < SPAWN_FDS; i++) plan->fds[i] = -1;
  plan->fd_count = 3;
  if (!value_given(args, fds)) return;
  uint32_t count = value_array(args, fds, "options.fds", SPAWN_FDS);
  for (uint32_t i = 0; i < count && !args->failed; i++) {
    napi_value fd = value_element(args, fds, i);
    if (value_given(args, fd)) plan->fds[i] = value_fd(args, fd, "options.fds");
  }
  if ((int)count > plan->fd_count) plan->fd_count = (int)count;
}

static void add_limit(SpawnPlan *plan, int resource, double value) {
  rlim_t limit = isinf(value) ? RLIM_INFINITY : (rlim_t)value;
  plan->limits[plan->limit_count].resource = resource;
  plan->limits[plan->limit_count++].limit = (struct rlimit){limit, limit};
}

static void read_limits(Args *args, napi_value limits, SpawnPlan *plan) {
  bool given = value_given(args, limits), core = false;
  if (given) value_object(args, limits, "options.rlimits");
  for (size_t i = 0; given && i < sizeof resources / sizeof *resources && !args->failed; i++) {
    napi_value limit = value_property(args, limits, resources[i].name);
    if (!value_given(args, limit)) continue;
    double value = value_double(args, limit, resources[i].name, INFINITY);
    if (!args->failed && !isinf(value) && (value != floor(value) || value > 9007199254740991.0)) {
      args_value_error(args, resources[i].name, "an integer below 2^53, or Infinity");
    }
    if (args->failed) return;
    add_limit(plan, resources[i].resource, value);
    core = core || resources[i].resource == RLIMIT_CORE;
  }
  if (!core) add_limit(plan, RLIMIT_CORE, 0);
}

static void read_user(Args *args, napi_value options, SpawnPlan *plan) {
  napi_value uid = value_property(args, options, "uid"), gid = value_property(args, options, "gid");
  bool given = value_given(args, uid);
  if (args->failed) return;
  if (given != value_given(args, gid)) {
    args_value_error(args, "options.uid", "given together with options.gid");
    return;
  }
  if (!given) return;
  /* 2^32 - 1 means "as it is" to setresuid. */
  plan->uid = (uid_t)value_integer(args, uid, "options.uid", 0, UINT32_MAX - 1);
  plan->gid = (gid_t)value_integer(args, gid, "options.gid", 0, UINT32_MAX - 1);
  plan->wanted |= 1u << STEP_USER;
}

static void read_required(Args *args, napi_value required, SpawnPlan *plan) {
  if (!value_given(args, required)) return;
  uint32_t count = value_array(args, required, "options.required", 64);
  for (uint32_t i = 0; i < count && !args->failed; i++) {
    char name[32];
    value_string(args, value_element(args, required, i), "options.required", name, sizeof name);
    if (args->failed) return;
    int step = 0;
    while (step < STEPS && strcmp(name, spawn_step_names[step])) step++;
    if (step == STEPS) {
      args_value_error(args, "options.required", "names of steps");
      return;
    }
    plan->required |= 1u << step;
  }
  /* A required step that nothing asks for is a mistake, and one that would leave the child less confined than meant. */
  if (plan->required & ~plan->wanted)
    args_value_error(args, "options.required", "steps that the other options ask for");
}

static bool flag(Args *args, napi_value options, const char *name) {
  return value_boolean_or(args, value_property(args, options, name), name, true);
}

static void read_steps(Args *args, napi_value options, SpawnPlan *plan) {
  plan->wanted = 1u << STEP_RLIMITS;
  if (flag(args, options, "newSession")) plan->wanted |= 1u << STEP_SESSION;
  if (flag(args, options, "newNetwork")) plan->wanted |= 1u << STEP_NETWORK;
  if (flag(args, options, "dropCapabilities")) plan->wanted |= 1u << STEP_BOUNDING_SET | 1u << STEP_CAPABILITIES;
  if (flag(args, options, "noNewPrivs")) plan->wanted |= 1u << STEP_NO_NEW_PRIVS;
  napi_value seccomp = value_property(args, options, "seccomp");
  char name[8] = "base";
  if (value_given(args, seccomp)) value_string(args, seccomp, "options.seccomp", name, sizeof name);
  if (args->failed) return;
  if (!strcmp(name, "base")) {
    plan->wanted |= 1u << STEP_SECCOMP | 1u << STEP_NO_NEW_PRIVS;
  } else if (strcmp(name, "none")) {
    args_value_error(args, "options.seccomp", "'base' or 'none'");
  }
  napi_value death = value_property(args, options, "parentDeathSignal");
  if (value_given(args, death)) plan->parent_death_signal = value_signal(args, death, "options.parentDeathSignal");
  if (plan->parent_death_signal) plan->wanted |= 1u << STEP_PARENT_DEATH_SIGNAL;
}

void spawn_plan_read(Args *args, napi_value options, SpawnPlan *plan) {
  memset(plan, 0, sizeof *plan);
  value_object(args, options, "options");
  if (args->failed) return;
  napi_value path = value_property(args, options, "path");
  plan->path = value_string_copy(args, path, "options.path", MAX_STRING);
  napi_value argv = value_property(args, options, "args");
  if (value_given(args, argv)) {
    strings_from_array(args, argv, "options.args", &plan->args);
  } else {
    strings_room(args, "options.args", 1, &plan->args);
    char *copy = value_string_copy(args, path, "options.path", MAX_STRING);
    if (copy) plan->args.items[plan->args.count++] = copy;
  }
  napi_value env = value_property(args, options, "env");
  if (value_given(args, env)) {
    strings_from_object(args, env, "options.env", &plan->env);
  } else {
    strings_room(args, "options.env", 0, &plan->env);
  }
  napi_value cwd = value_property(args, options, "cwd");
  if (value_given(args, cwd)) plan->cwd = value_string_copy(args, cwd, "options.cwd", MAX_STRING);
  read_fds(args, value_property(args, options, "fds"), plan);
  read_limits(args, value_property(args, options, "rlimits"), plan);
  read_steps(args, options, plan);
  read_user(args, options, plan);
  read_required(args, value_property(args, options, "required"), plan);
}

void spawn_plan_free(SpawnPlan *plan) {
  free(plan->path);
  free(plan->cwd);
  strings_free(&plan->args);
  strings_free(&plan->env);
}
