/*
 * Programs of Go with C code in them (cgo). Go's runtime sets its handlers by system calls of its own, before any of
 * its threads start, and hands faults in C code to the handler that it found in the kernel, in place of its own report.
 * So it is to find none: ours comes later, before Go's. In the shared library only; ordinary context.
 */
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <sys/auxv.h>

#include "interposed.h"
#include "kernel-action.h"
#include "program-actions.h"

static bool pending;

/*
 * The faults that Go's runtime asks the other handler about. The others keep ours: GOTRACEBACK=crash ends in it by
 * SIGABRT.
 */
static const int faults[] = {SIGBUS, SIGFPE, SIGSEGV};

/* Go's linker puts a note of type 4 by "Go" into each program (cmd/internal/buildid). */
static bool is_go_note(const ElfW(Nhdr) * note) {
  const char *const name = (const char *)(note + 1);
  return note->n_type == 4 && note->n_namesz == 4 && name[0] == 'G' && name[1] == 'o' && name[2] == 0;
}

static bool is_go(void) {
  const ElfW(Phdr) *const headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);
  const unsigned long count = getauxval(AT_PHNUM);
  uintptr_t bias = 0;
  if (headers == 0) return false;
  for (unsigned long index = 0; index < count; index++) {
    if (headers[index].p_type == PT_PHDR) bias = (uintptr_t)headers - headers[index].p_vaddr;
  }
  for (unsigned long index = 0; index < count; index++) {
    if (headers[index].p_type != PT_NOTE) continue;
    const uintptr_t start = bias + headers[index].p_vaddr;
    for (uintptr_t at = 0; at + sizeof(ElfW(Nhdr)) < headers[index].p_memsz;) {
      const ElfW(Nhdr) *const note = (const ElfW(Nhdr) *)(start + at);
      if (is_go_note(note)) return true;
      /* Neither is longer than its segment: the sum cannot come round to where it was. */
      if (note->n_namesz > headers[index].p_memsz || note->n_descsz > headers[index].p_memsz) break;
      at += sizeof *note + ((note->n_namesz + 3) & ~3u) + ((note->n_descsz + 3) & ~3u);
    }
  }
  return false;
}

void go_runtime_begin(void) {
  if (!is_go()) return;
  for (unsigned index = 0; index < sizeof faults / sizeof faults[0]; index++)
    kernel_action_set(faults[index], (uintptr_t)SIG_DFL, 0, 0);
  pending = true;
}

void go_runtime_at_thread(void) {
  struct kernel_action action;
  if (!__atomic_load_n(&pending, __ATOMIC_RELAXED) || !kernel_action_get(SIGSEGV, &action)) return;
  if (!is_function(action.handler)) return;
  __atomic_store_n(&pending, false, __ATOMIC_RELAXED);
  program_actions_adopt();
}
