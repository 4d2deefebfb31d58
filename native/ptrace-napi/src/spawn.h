/* A confined spawn: what is asked for, checked before the fork; what the child does with it; what it reports. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "args.h"
#include "seccomp.h"

enum { SPAWN_FDS = 256, SPAWN_LIMITS = 16 };

/* In the order of doing; the names are in spawn_options.c. */
typedef enum {
  STEP_SESSION,
  STEP_RLIMITS,
  STEP_NETWORK,
  STEP_BOUNDING_SET,
  STEP_USER,
  STEP_CAPABILITIES,
  STEP_PARENT_DEATH_SIGNAL,
  STEP_NO_NEW_PRIVS,
  STEP_SECCOMP,
  STEPS,
} SpawnStep;

extern const char *const spawn_step_names[STEPS];

typedef struct {
  char **items; /* ended by NULL */
  size_t count;
} Strings;

typedef struct {
  char *path;
  Strings args;
  Strings env;
  char *cwd; /* NULL: as it is */
  int fds[SPAWN_FDS]; /* -1: none */
  int fd_count;       /* at least 3 */
  uid_t uid;
  gid_t gid;
  struct {
    int resource;
    struct rlimit limit;
  } limits[SPAWN_LIMITS];
  int limit_count;
  int parent_death_signal;
  uint32_t wanted;   /* bits of SpawnStep */
  uint32_t required; /* a subset of wanted */
  /* Filled in by the spawn. */
  Filter filter;
  pid_t parent;
  int program_fd; /* the program opened with O_PATH, -1: not possible */
  int null_fd;
  int report_fd;
} SpawnPlan;

/* One failure in the child. Fatal ones are the last. */
typedef struct {
  int32_t step; /* -1: none of the steps */
  int32_t error;
  int32_t fatal;
  char syscall[20];
} SpawnReport;

/* Reads and checks the options; free the plan in every case. */
void spawn_plan_read(Args *args, napi_value options, SpawnPlan *plan);
void spawn_plan_free(SpawnPlan *plan);

/* A list of strings as execve wants it, from an array, or from an object's properties as NAME=value. */
void strings_from_array(Args *args, napi_value array, const char *name, Strings *strings);
void strings_from_object(Args *args, napi_value object, const char *name, Strings *strings);
void strings_free(Strings *strings);

/* Runs in the forked child with all signals blocked; async-signal-safe throughout. Does not return. */
_Noreturn void spawn_child(SpawnPlan *plan);
/* Every signal to its default, and none blocked. Async-signal-safe. */
void reset_signals(void);
