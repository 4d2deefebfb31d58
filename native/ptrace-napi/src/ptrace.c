/* ptrace(2), one call per function. */
#include <errno.h>
#include <elf.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "args.h"
#include "bindings.h"
#include "deadline.h"
#include "result.h"

/* glibc declares the request as an enum, musl and bionic as an int. */
#define PTRACE(request, tid, address, data) \
  ptrace(request, (pid_t)(tid), (void *)(uintptr_t)(address), (void *)(uintptr_t)(data))

/* Longest wait, in milliseconds: 2^31 - 1, as the timers of Node. */
#define LONGEST 2147483647.0

/* Younger than some libc's <sys/ptrace.h>. */
#ifndef PTRACE_GETSIGMASK
#define PTRACE_GETSIGMASK 0x420a
#define PTRACE_SETSIGMASK 0x420b
#endif

static napi_value seize(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t tid = value_tid(&args, args.at[0], "tid");
  int64_t options = value_integer_or(&args, args.at[1], "options", 0, UINT32_MAX, 0);
  if (args.failed) return NULL;
  return result_done(env, PTRACE(PTRACE_SEIZE, tid, 0, options), "ptrace");
}

static napi_value interrupt(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t tid = value_tid(&args, args.at[0], "tid");
  if (args.failed) return NULL;
  return result_done(env, PTRACE(PTRACE_INTERRUPT, tid, 0, 0), "ptrace");
}

static napi_value cont(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t tid = value_tid(&args, args.at[0], "tid");
  int32_t signal = value_given(&args, args.at[1]) ? value_signal(&args, args.at[1], "signal") : 0;
  if (args.failed) return NULL;
  return result_done(env, PTRACE(PTRACE_CONT, tid, 0, signal), "ptrace");
}

static napi_value cont_to_syscall(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t tid = value_tid(&args, args.at[0], "tid");
  int32_t signal = value_given(&args, args.at[1]) ? value_signal(&args, args.at[1], "signal") : 0;
  if (args.failed) return NULL;
  return result_done(env, PTRACE(PTRACE_SYSCALL, tid, 0, signal), "ptrace");
}

static napi_value set_options(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t tid = value_tid(&args, args.at[0], "tid");
  uint32_t options = (uint32_t)value_integer(&args, args.at[1], "options", 0, UINT32_MAX);
  if (args.failed) return NULL;
  return result_done(env, PTRACE(PTRACE_SETOPTIONS, tid, 0, options), "ptrace");
}

static napi_value listen_stop(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t tid = value_tid(&args, args.at[0], "tid");
  if (args.failed) return NULL;
  return result_done(env, PTRACE(PTRACE_LISTEN, tid, 0, 0), "ptrace");
}

static napi_value detach(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t tid = value_tid(&args, args.at[0], "tid");
  int32_t signal = value_given(&args, args.at[1]) ? value_signal(&args, args.at[1], "signal") : 0;
  if (args.failed) return NULL;
  return result_done(env, PTRACE(PTRACE_DETACH, tid, 0, signal), "ptrace");
}

static napi_value wait_status(napi_env env, int32_t tid, int status) {
  const char *kind = WIFSTOPPED(status) ? "stopped" : WIFEXITED(status) ? "exited" : "signaled";
  int signal = WIFSTOPPED(status) ? WSTOPSIG(status) : WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  napi_value result = NULL;
  if (napi_create_object(env, &result) != napi_ok) return NULL;
  set_integer(env, result, "tid", tid);
  set_string(env, result, "kind", kind);
  set_integer(env, result, "signal", signal);
  set_integer(env, result, "event", WIFSTOPPED(status) ? status >> 16 : 0);
  set_integer(env, result, "exitCode", WIFEXITED(status) ? WEXITSTATUS(status) : 0);
  set_integer(env, result, "status", status);
  return result;
}

static napi_value wait_stop(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t tid = value_tid(&args, args.at[0], "tid");
  double timeout = value_double(&args, args.at[1], "timeoutMs", LONGEST);
  if (args.failed) return NULL;
  Deadline deadline;
  int status = 0;
  deadline_start(&deadline, timeout);
  pid_t got = deadline_wait(&deadline, tid, &status);
  deadline_end(&deadline);
  if (got < 0) return throw_system_error(env, errno, "waitpid");
  return got == 0 ? result_null(env) : wait_status(env, tid, status);
}

static napi_value has_tracees(napi_env env, napi_callback_info info) {
  (void)info;
  siginfo_t found;
  int flags = WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL | __WNOTHREAD;
  int result;
  do {
    result = waitid(P_ALL, 0, &found, flags);
  } while (result != 0 && errno == EINTR);
  if (result != 0 && errno != ECHILD) return throw_system_error(env, errno, "waitid");
  return result_boolean(env, result == 0);
}

static napi_value get_regset(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t tid = value_tid(&args, args.at[0], "tid");
  uint32_t type = (uint32_t)value_integer(&args, args.at[1], "type", 0, UINT32_MAX);
  Bytes buffer = value_bytes(&args, args.at[2], "buffer", 0);
  size_t offset = (size_t)value_integer_or(&args, args.at[3], "offset", 0, (int64_t)buffer.length, 0);
  if (args.failed) return NULL;
  struct iovec vector = {buffer.data + offset, buffer.length - offset};
  if (PTRACE(PTRACE_GETREGSET, tid, type, &vector) != 0) return throw_system_error(env, errno, "ptrace");
  return result_integer(env, (int64_t)vector.iov_len);
}

static napi_value set_regset(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t tid = value_tid(&args, args.at[0], "tid");
  uint32_t type = (uint32_t)value_integer(&args, args.at[1], "type", 0, UINT32_MAX);
  Bytes buffer = value_bytes(&args, args.at[2], "buffer", 0);
  if (args.failed) return NULL;
  struct iovec vector = {buffer.data, buffer.length};
  return result_done(env, PTRACE(PTRACE_SETREGSET, tid, type, &vector), "ptrace");
}

static napi_value get_signal_mask(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t tid = value_tid(&args, args.at[0], "tid");
  Bytes buffer = value_bytes(&args, args.at[1], "buffer", 8);
  if (args.failed) return NULL;
  /* The kernel's sigset_t has 64 bits on all of its architectures that Node runs on. */
  return result_done(env, PTRACE(PTRACE_GETSIGMASK, tid, 8, buffer.data), "ptrace");
}

static napi_value set_signal_mask(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t tid = value_tid(&args, args.at[0], "tid");
  Bytes buffer = value_bytes(&args, args.at[1], "buffer", 8);
  if (args.failed) return NULL;
  return result_done(env, PTRACE(PTRACE_SETSIGMASK, tid, 8, buffer.data), "ptrace");
}

/* Younger than some libc's <sys/ptrace.h>: struct ptrace_rseq_configuration. */
#define RSEQ_CONFIGURATION 0x420f
#define RSEQ_CONFIGURATION_SIZE 24

static napi_value get_rseq(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t tid = value_tid(&args, args.at[0], "tid");
  if (args.failed) return NULL;
  uint64_t configuration[RSEQ_CONFIGURATION_SIZE / 8] = {0};
  if (PTRACE(RSEQ_CONFIGURATION, tid, sizeof configuration, configuration) < 0) {
    return throw_system_error(env, errno, "ptrace");
  }
  return result_integer(env, (int64_t)(configuration[0] >> 63 ? 0 : configuration[0]));
}

static napi_value get_siginfo(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t tid = value_tid(&args, args.at[0], "tid");
  Bytes buffer = value_bytes(&args, args.at[1], "buffer", sizeof(siginfo_t));
  if (args.failed) return NULL;
  return result_done(env, PTRACE(PTRACE_GETSIGINFO, tid, 0, buffer.data), "ptrace");
}

static napi_value get_event_message(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t tid = value_tid(&args, args.at[0], "tid");
  if (args.failed) return NULL;
  unsigned long message = 0;
  if (PTRACE(PTRACE_GETEVENTMSG, tid, 0, &message) != 0) return throw_system_error(env, errno, "ptrace");
  return result_integer(env, (int64_t)message);
}

static napi_value freeze(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  double timeout = value_double(&args, args.at[1], "timeoutMs", LONGEST);
  int64_t options = value_integer_or(&args, args.at[3], "options", 0, UINT32_MAX, 0);
  size_t count, room;
  const int32_t *tids = value_typed(&args, args.at[0], "tids", napi_int32_array, 0, &count);
  int32_t *results = value_typed(&args, args.at[2], "results", napi_int32_array, count, &room);
  if (args.failed) return NULL;

  /*
   * All are attached to before the first is asked to stop, and all are asked before the first is waited for: they run
   * for longer and stop side by side. A thread that dies after the seize is still waited for, which frees it. */
  for (size_t i = 0; i < count; i++) {
    const int32_t tid = tids[i];
    results[i] = tid <= 0 ? -ESRCH : PTRACE(PTRACE_SEIZE, tid, 0, options) != 0 ? -errno : 0;
  }
  for (size_t i = 0; i < count; i++) {
    if (results[i] == 0) PTRACE(PTRACE_INTERRUPT, tids[i], 0, 0);
  }

  Deadline deadline;
  deadline_start(&deadline, timeout);
  int64_t stopped = 0;
  for (size_t i = 0; i < count; i++) {
    if (results[i] < 0) continue;
    int status = 0;
    pid_t got = deadline_wait(&deadline, tids[i], &status);
    if (got < 0) {
      results[i] = errno == ECHILD ? -ESRCH : -errno;
    } else if (got == 0) {
      results[i] = -ETIMEDOUT;
    } else if (!WIFSTOPPED(status)) {
      results[i] = -ESRCH;
    } else {
      stopped++;
      results[i] = status >> 8 == (SIGTRAP | PTRACE_EVENT_STOP << 8) ? 0 : status;
    }
  }
  deadline_end(&deadline);
  return result_integer(env, stopped);
}

static napi_value get_regsets(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  uint32_t type = (uint32_t)value_integer(&args, args.at[1], "type", 0, UINT32_MAX);
  size_t stride = (size_t)value_integer(&args, args.at[3], "stride", 0, UINT32_MAX);
  size_t count, room;
  const int32_t *tids = value_typed(&args, args.at[0], "tids", napi_int32_array, 0, &count);
  int32_t *sizes = value_typed(&args, args.at[4], "sizes", napi_int32_array, count, &room);
  Bytes buffer = value_bytes(&args, args.at[2], "buffer", 0);
  if (!args.failed && stride != 0 && buffer.length / stride < count) {
    args_value_error(&args, "buffer", "at least tids.length * stride bytes long");
  }
  if (args.failed) return NULL;
  int64_t succeeded = 0;
  for (size_t i = 0; i < count; i++) {
    struct iovec vector = {buffer.data + i * stride, stride};
    if (PTRACE(PTRACE_GETREGSET, tids[i], type, &vector) == 0) {
      sizes[i] = (int32_t)vector.iov_len;
      succeeded++;
    } else {
      sizes[i] = -errno;
    }
  }
  return result_integer(env, succeeded);
}

static napi_value detach_all(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  size_t count, room;
  const int32_t *tids = value_typed(&args, args.at[0], "tids", napi_int32_array, 0, &count);
  const int32_t *signals = NULL;
  int32_t *results = NULL;
  if (value_given(&args, args.at[1]))
    signals = value_typed(&args, args.at[1], "signals", napi_int32_array, count, &room);
  if (value_given(&args, args.at[2]))
    results = value_typed(&args, args.at[2], "results", napi_int32_array, count, &room);
  if (args.failed) return NULL;
  int64_t detached = 0;
  for (size_t i = 0; i < count; i++) {
    int32_t signal = signals ? signals[i] : 0;
    int error = 0;
    if (signal < 0 || signal > 64) {
      error = EINVAL;
    } else if (PTRACE(PTRACE_DETACH, tids[i], 0, signal) != 0) {
      error = errno;
    } else {
      detached++;
    }
    if (results) results[i] = -error;
  }
  return result_integer(env, detached);
}

static napi_value wait_all(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  double timeout = value_double(&args, args.at[1], "timeoutMs", LONGEST);
  size_t count, room;
  const int32_t *tids = value_typed(&args, args.at[0], "tids", napi_int32_array, 0, &count);
  int32_t *results = value_typed(&args, args.at[2], "results", napi_int32_array, count, &room);
  if (args.failed) return NULL;
  Deadline deadline;
  deadline_start(&deadline, timeout);
  int64_t changed = 0;
  for (size_t i = 0; i < count; i++) {
    int status = 0;
    pid_t got = deadline_wait(&deadline, tids[i], &status);
    results[i] = got < 0 ? -errno : got == 0 ? -ETIMEDOUT : status;
    changed += got > 0;
  }
  deadline_end(&deadline);
  return result_integer(env, changed);
}

const Export ptrace_exports[] = {
    {"seize", seize},
    {"interrupt", interrupt},
    {"cont", cont},
    {"contToSyscall", cont_to_syscall},
    {"setOptions", set_options},
    {"listen", listen_stop},
    {"detach", detach},
    {"wait", wait_stop},
    {"hasTracees", has_tracees},
    {"getRegset", get_regset},
    {"setRegset", set_regset},
    {"getSignalMask", get_signal_mask},
    {"setSignalMask", set_signal_mask},
    {"getRseq", get_rseq},
    {"getSigInfo", get_siginfo},
    {"getEventMessage", get_event_message},
    {"freeze", freeze},
    {"getRegsets", get_regsets},
    {"detachAll", detach_all},
    {"waitAll", wait_all},
    {NULL, NULL},
};
