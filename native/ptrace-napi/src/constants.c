/* The numbers that the functions take. */
#include <elf.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

#include "bindings.h"
#include "result.h"
#include "syscalls.h"
#include "uv.h"

/* linux/elf.h and <elf.h> cannot be had together; what an older <elf.h> lacks: */
#ifndef NT_ARM_PAC_MASK
#define NT_ARM_PAC_MASK 0x406
#endif
#ifndef NT_ARM_TAGGED_ADDR_CTRL
#define NT_ARM_TAGGED_ADDR_CTRL 0x409
#endif
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#endif

#define NUMBER(name) {#name, (int64_t)(name)}

static const struct {
  const char *name;
  int64_t value;
} numbers[] = {
    NUMBER(PTRACE_O_TRACESYSGOOD),
    NUMBER(PTRACE_O_TRACEFORK),
    NUMBER(PTRACE_O_TRACEVFORK),
    NUMBER(PTRACE_O_TRACECLONE),
    NUMBER(PTRACE_O_TRACEEXEC),
    NUMBER(PTRACE_O_TRACEEXIT),
    NUMBER(PTRACE_O_EXITKILL),
    NUMBER(PTRACE_EVENT_FORK),
    NUMBER(PTRACE_EVENT_VFORK),
    NUMBER(PTRACE_EVENT_CLONE),
    NUMBER(PTRACE_EVENT_EXEC),
    NUMBER(PTRACE_EVENT_EXIT),
    NUMBER(PTRACE_EVENT_STOP),
    NUMBER(NT_PRSTATUS),
    NUMBER(NT_FPREGSET),
    NUMBER(NT_PRXFPREG),
    NUMBER(NT_386_TLS),
    NUMBER(NT_X86_XSTATE),
    NUMBER(NT_ARM_VFP),
    NUMBER(NT_ARM_TLS),
    NUMBER(NT_ARM_SVE),
    NUMBER(NT_ARM_PAC_MASK),
    NUMBER(NT_ARM_TAGGED_ADDR_CTRL),
    NUMBER(MSG_PEEK),
    NUMBER(MSG_DONTWAIT),
    NUMBER(MSG_TRUNC),
    NUMBER(MSG_WAITALL),
    {"READABLE", UV_READABLE},
    {"WRITABLE", UV_WRITABLE},
    {"DISCONNECT", UV_DISCONNECT},
    {"PRIORITIZED", UV_PRIORITIZED},
    NUMBER(F_SEAL_SEAL),
    NUMBER(F_SEAL_SHRINK),
    NUMBER(F_SEAL_GROW),
    NUMBER(F_SEAL_WRITE),
    {"F_SEAL_FUTURE_WRITE", 0x10},
    NUMBER(AT_FDCWD),
    NUMBER(AT_REMOVEDIR),
    NUMBER(O_PATH),
    NUMBER(O_TMPFILE),
    NUMBER(RESOLVE_NO_XDEV),
    NUMBER(RESOLVE_NO_MAGICLINKS),
    NUMBER(RESOLVE_NO_SYMLINKS),
    NUMBER(RESOLVE_BENEATH),
    NUMBER(RESOLVE_IN_ROOT),
    NUMBER(RENAME_NOREPLACE),
    NUMBER(RENAME_EXCHANGE),
    {"PIDFD_NONBLOCK", O_NONBLOCK},
    NUMBER(PIDFD_THREAD),
    NUMBER(PR_SET_PDEATHSIG),
    NUMBER(PR_GET_DUMPABLE),
    NUMBER(PR_SET_DUMPABLE),
    NUMBER(PR_SET_NAME),
    NUMBER(PR_GET_NAME),
    NUMBER(PR_SET_NO_NEW_PRIVS),
    NUMBER(PR_GET_NO_NEW_PRIVS),
    NUMBER(PR_SET_PTRACER),
    NUMBER(PR_SET_CHILD_SUBREAPER),
};

napi_value constants_object(napi_env env) {
  napi_value object = NULL;
  if (napi_create_object(env, &object) != napi_ok) return NULL;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    set_integer(env, object, numbers[i].name, numbers[i].value);
  napi_object_freeze(env, object);
  return object;
}
