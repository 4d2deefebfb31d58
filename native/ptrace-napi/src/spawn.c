/* Confined processes: started, and their exit status taken; and this process become another program. */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bindings.h"
#include "result.h"
#include "syscalls.h"

static pid_t reap_status(pid_t pid, int *status, int flags) {
  pid_t got;
  do {
    got = waitpid(pid, status, flags);
  } while (got < 0 && errno == EINTR);
  return got;
}

/* Forks with all signals blocked, so that no handler of Node's runs in the child. */
static pid_t fork_child(SpawnPlan *plan) {
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  pid_t pid = fork();
  if (pid == 0) spawn_child(plan);
  int saved = errno;
  sigprocmask(SIG_SETMASK, &before, NULL);
  errno = saved;
  return pid;
}

/* What the child says until it executes or dies. */
static int read_reports(int fd, SpawnReport *reports, int maximum) {
  uint8_t *into = (uint8_t *)reports;
  size_t length = 0, room = (size_t)maximum * sizeof *reports;
  while (length < room) {
    ssize_t got = read(fd, into + length, room - length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    length += (size_t)got;
  }
  return (int)(length / sizeof *reports);
}

static napi_value spawned(napi_env env, pid_t pid, const SpawnPlan *plan, const SpawnReport *reports, int count) {
  napi_value result = NULL, applied = NULL, unapplied = NULL;
  if (napi_create_object(env, &result) != napi_ok || napi_create_array(env, &applied) != napi_ok ||
      napi_create_array(env, &unapplied) != napi_ok) {
    return NULL;
  }
  uint32_t done = plan->wanted, index = 0;
  for (int i = 0; i < count; i++) {
    uint32_t bit = 1u << reports[i].step;
    if (!(done & bit)) continue; /* one entry a step */
    done &= ~bit;
    napi_value entry;
    if (napi_create_object(env, &entry) != napi_ok) return NULL;
    set_string(env, entry, "step", spawn_step_names[reports[i].step]);
    set_string(env, entry, "code", errno_name(reports[i].error));
    set_integer(env, entry, "errno", reports[i].error);
    set_string(env, entry, "syscall", reports[i].syscall);
    napi_set_element(env, unapplied, index++, entry);
  }
  index = 0;
  for (int step = 0; step < STEPS; step++) {
    napi_value name;
    if (done & 1u << step && napi_create_string_utf8(env, spawn_step_names[step], NAPI_AUTO_LENGTH, &name) == napi_ok) {
      napi_set_element(env, applied, index++, name);
    }
  }
  /* The child is not reaped yet, so its pid is still its own. */
  int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  set_integer(env, result, "pid", pid);
  napi_set_named_property(env, result, "pidfd", pidfd < 0 ? result_null(env) : result_integer(env, pidfd));
  napi_set_named_property(env, result, "applied", applied);
  napi_set_named_property(env, result, "unapplied", unapplied);
  return result;
}

static napi_value throw_report(napi_env env, const SpawnReport *report) {
  napi_value error = system_error(env, report->error, report->syscall);
  if (!error) return NULL;
  if (report->step >= 0) set_string(env, error, "step", spawn_step_names[report->step]);
  napi_throw(env, error);
  return NULL;
}

static napi_value start(napi_env env, SpawnPlan *plan) {
  /* Before anything is opened here: it could take the number of one that is not open. */
  for (int i = 0; i < plan->fd_count; i++) {
    if (plan->fds[i] >= 0 && fcntl(plan->fds[i], F_GETFD) < 0) return throw_system_error(env, errno, "fcntl");
  }
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) return throw_system_error(env, errno, "pipe2");
  filter_base(&plan->filter);
  plan->parent = getpid();
  plan->report_fd = pipe_ends[1];
  plan->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  plan->program_fd = open(plan->path, O_PATH | O_CLOEXEC);
  pid_t pid = plan->null_fd < 0 ? -1 : fork_child(plan);
  int error = errno;
  if (plan->program_fd >= 0) close(plan->program_fd);
  if (plan->null_fd >= 0) close(plan->null_fd);
  close(pipe_ends[1]);
  SpawnReport reports[SPAWN_LIMITS + STEPS + 1];
  int count = pid < 0 ? 0 : read_reports(pipe_ends[0], reports, sizeof reports / sizeof *reports);
  close(pipe_ends[0]);
  if (pid < 0) return throw_system_error(env, error, plan->null_fd < 0 ? "open" : "fork");
  if (count > 0 && reports[count - 1].fatal) {
    int status;
    reap_status(pid, &status, 0);
    return throw_report(env, &reports[count - 1]);
  }
  return spawned(env, pid, plan, reports, count);
}

static napi_value spawn_confined(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  SpawnPlan plan;
  spawn_plan_read(&args, args.at[0], &plan);
  napi_value result = args.failed ? NULL : start(env, &plan);
  spawn_plan_free(&plan);
  return result;
}

static napi_value reap_child(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t pid = value_tid(&args, args.at[0], "pid");
  if (args.failed) return NULL;
  int status = 0;
  pid_t got = reap_status(pid, &status, WNOHANG);
  if (got < 0) return throw_system_error(env, errno, "waitpid");
  if (got == 0) return result_null(env);
  napi_value result = NULL;
  if (napi_create_object(env, &result) != napi_ok) return NULL;
  napi_value none = result_null(env);
  napi_set_named_property(env, result, "exitCode", WIFEXITED(status) ? result_integer(env, WEXITSTATUS(status)) : none);
  napi_set_named_property(env, result, "signal", WIFSIGNALED(status) ? result_integer(env, WTERMSIG(status)) : none);
  return result;
}

static napi_value exec_program(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  Strings argv = {0}, envp = {0};
  char *path = value_string_copy(&args, args.at[0], "path", 4095);
  strings_from_array(&args, args.at[1], "args", &argv);
  strings_from_object(&args, args.at[2], "env", &envp);
  if (!args.failed) {
    /*
     * What is ignored here (SIGPIPE) would stay so in the program. Handlers end with execve anyway, blocked signals do
     * not.
     */
    struct sigaction before[65];
    sigset_t mask;
    for (int signal = 1; signal <= 64; signal++) {
      if (sigaction(signal, NULL, &before[signal]) != 0) before[signal].sa_handler = SIG_DFL;
      if (before[signal].sa_handler == SIG_IGN) sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    }
    /* Node marks what it inherited close-on-exec, the standard descriptors too. */
    int flags[3];
    for (int fd = 0; fd < 3; fd++) {
      flags[fd] = fcntl(fd, F_GETFD);
      if (flags[fd] >= 0) fcntl(fd, F_SETFD, flags[fd] & ~FD_CLOEXEC);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, &mask);
    execve(path, argv.items, envp.items);
    int error = errno;
    sigprocmask(SIG_SETMASK, &mask, NULL);
    for (int fd = 0; fd < 3; fd++) {
      if (flags[fd] >= 0) fcntl(fd, F_SETFD, flags[fd]);
    }
    for (int signal = 1; signal <= 64; signal++) {
      if (before[signal].sa_handler == SIG_IGN) sigaction(signal, &before[signal], NULL);
    }
    throw_system_error(env, error, "execve");
  }
  free(path);
  strings_free(&argv);
  strings_free(&envp);
  return NULL;
}

const Export spawn_exports[] = {
    {"spawnConfined", spawn_confined},
    {"reap", reap_child},
    {"exec", exec_program},
    {NULL, NULL},
};
