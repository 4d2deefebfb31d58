/* Signals to threads and processes that cannot hit another one by mistake. */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "args.h"
#include "bindings.h"
#include "result.h"
#include "syscalls.h"

static napi_value send_tgkill(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t tgid = value_tid(&args, args.at[0], "tgid");
  int32_t tid = value_tid(&args, args.at[1], "tid");
  int32_t signal = value_signal(&args, args.at[2], "signal");
  if (args.failed) return NULL;
  return result_done(env, syscall(SYS_tgkill, tgid, tid, signal), "tgkill");
}

static napi_value send_siginfo(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t tgid = value_tid(&args, args.at[0], "tgid");
  int32_t tid = value_tid(&args, args.at[1], "tid");
  int32_t signal = value_signal(&args, args.at[2], "signal");
  Bytes siginfo = value_bytes(&args, args.at[3], "info", sizeof(siginfo_t));
  if (args.failed) return NULL;
  return result_done(env, syscall(SYS_rt_tgsigqueueinfo, tgid, tid, signal, siginfo.data), "rt_tgsigqueueinfo");
}

static napi_value open_pidfd(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t pid = value_tid(&args, args.at[0], "pid");
  int64_t flags = value_integer_or(&args, args.at[1], "flags", 0, UINT32_MAX, 0);
  if (args.failed) return NULL;
  return result_fd(env, (int)syscall(SYS_pidfd_open, pid, (unsigned)flags), "pidfd_open");
}

static napi_value signal_pidfd(napi_env env, napi_callback_info info) {
  Args args;
  args_read(&args, env, info);
  int32_t pidfd = value_fd(&args, args.at[0], "pidfd");
  int32_t signal = value_signal(&args, args.at[1], "signal");
  if (args.failed) return NULL;
  return result_done(env, syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0), "pidfd_send_signal");
}

static napi_value get_tid(napi_env env, napi_callback_info info) {
  (void)info;
  return result_integer(env, syscall(SYS_gettid));
}

const Export signal_exports[] = {
    {"tgkill", send_tgkill},
    {"rtTgSigQueueInfo", send_siginfo},
    {"pidfdOpen", open_pidfd},
    {"pidfdSendSignal", signal_pidfd},
    {"gettid", get_tid},
    {NULL, NULL},
};
