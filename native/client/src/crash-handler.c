/*
 * All functions here run in the signal handler of a crashed thread, if they do not say otherwise: its stack may be full
 * (they run on the alternate one), its heap broken, any lock held, its thread pointer wrong. Nothing of libc is called
 * but memcpy and memset, where the compiler has not made moves of them; nothing is allocated.
 */
#include "crash-handler.h"

#include <stddef.h>

#include "crash-end.h"
#include "crash-episode.h"
#include "crash-report.h"
#include "kernel-action.h"
#include "machine-context.h"
#include "permitted-calls.h"
#include "program-actions.h"
#include "raw-syscall.h"
#include "single-reporter.h"

debuggerd_filter *crash_handler_filter;
void *crash_handler_filter_cookie;

enum {
  /* Below sp, of the interrupted function's: the red zone of the x86_64 ABI. */
  RED_ZONE = 128,
  PAGE = 4096,
  /* What a signal frame takes, 11 KiB with AMX, and some for the program's handler. */
  ROOM_PAGES = 5,
  /* A loop that repairs nothing is told from one that needs some attempts. */
  TOO_MANY_REPEATS = 16,
};

/*
 * Whether the kernel passed a siginfo and a context. A program that saved our handler and put it back by a system call
 * without SA_SIGINFO made a handler of one argument of it: on 32-bit CPUs the others are then whatever lay on the
 * stack, and on 64-bit ones the siginfo is not filled in.
 */
static bool has_siginfo(int signal) {
  struct kernel_action action;
  if (!permitted(CALL_SIGACTION) || !kernel_action_get(signal, &action)) return true;
  return (action.flags & SA_SIGINFO) != 0;
}

/* Can be written, and is written: 8 bytes of unused stack. */
static bool writable(uintptr_t address) {
  return raw_syscall4(__NR_rt_sigprocmask, SIG_BLOCK, 0, address & ~(uintptr_t)7, 8) == 0;
}

/*
 * Whether a handler can be called on the interrupted stack. Page by page: what lies behind a guard is not the thread's.
 */
static bool has_room(const ucontext_t *context) {
  const uintptr_t top = machine_sp(context) - RED_ZONE;
  for (uintptr_t page = 0; page <= ROOM_PAGES; page++) {
    if (!writable(top - page * PAGE - 8)) return false;
  }
  return true;
}

static bool same_signal(const siginfo_t *one, const siginfo_t *other) {
  return one->si_signo == other->si_signo && one->si_code == other->si_code && one->si_addr == other->si_addr;
}

static void call_program(struct episode *episode, int pid, int tid, const struct program_action *action, int signal,
                         siginfo_t *info, ucontext_t *context, bool may_move);

/* What follows the report, or stands in its place. The context is the one that the thread comes back to. */
static void finish(struct episode *episode, int pid, int tid, enum episode_outcome outcome, int signal, siginfo_t *info,
                   ucontext_t *context, bool has_context) {
  if (outcome == OUTCOME_DIE) {
    crash_end_die(pid, tid, signal, info, context, has_context);
    return;
  }
  single_reporter_release(tid);
  if (outcome == OUTCOME_EARLIER) {
    const struct program_action action = program_actions_get(signal);
    if (is_function(action.handler)) call_program(episode, pid, tid, &action, signal, info, context, true);
    else crash_end_die(pid, tid, signal, info, context, has_context);
  }
}

/* A crash: of this signal, or of the fault that a handler of the program's has made it of. */
static void crash(struct episode *episode, int pid, int tid, enum episode_outcome outcome, int signal, siginfo_t *info,
                  ucontext_t *context, bool has_context) {
  bool nested = false;
  bool known = false;
  kernel_mask_change(SIG_SETMASK, ~(kernel_set)0, NULL);
  if (episode != NULL && has_context && episode->info.si_signo != 0) {
    const bool same = machine_same(context, &episode->registers);
    /* A handler that has called ours has the context of the fault itself. */
    nested = !same && (episode->context == context || episode_is_live(episode, machine_sp(context)));
    known = nested || same;
  }
  if (!known && (outcome != OUTCOME_DIE || episode != NULL)) {
    if (episode == NULL) episode = episode_make(tid);
    if (episode != NULL && has_context) {
      episode->info = *info;
      machine_save(context, &episode->registers);
      episode->reported = false;
    }
  }
  const siginfo_t *first = known ? &episode->info : info;
  const bool wanted = !(known && episode->reported) &&
                      (crash_handler_filter == NULL ||
                       crash_handler_filter(first->si_signo, (siginfo_t *)first, context, crash_handler_filter_cookie));
  if (wanted && crash_report_ask(pid, tid, signal, first)) {
    if (episode != NULL) episode->reported = true;
    /* The signal of the end is that of the fault: the daemon gets to see the one on its way to the other. */
    if (outcome == OUTCOME_DIE && !nested && (!known || same_signal(first, info))) {
      crash_end_die(pid, tid, signal, info, context, has_context);
      return;
    }
    if (episode != NULL && has_context && crash_report_stage(episode, pid, tid, outcome, info, context, nested)) return;
  }
  finish(episode, pid, tid, outcome, signal, info, context, has_context);
}

/* Calls a handler of the program's as the kernel would have, and looks at what has become of it. */
static void call_program(struct episode *episode, int pid, int tid, const struct program_action *action, int signal,
                         siginfo_t *info, ucontext_t *context, bool may_move) {
  volatile uintptr_t frame[2];
  const uintptr_t sp = machine_sp(context);
  const bool elsewhere = (action->flags & SA_ONSTACK) == 0 && machine_on_alternate(context, (uintptr_t)frame) &&
                         !machine_on_alternate(context, sp);
  if (elsewhere && may_move && episode != NULL && permitted(CALL_QUEUE) && crash_report_comes_to_us(signal)) {
    if (!has_room(context)) {
      /* The kernel could not have called it either (signal(7)). */
      crash(episode, pid, tid, OUTCOME_DIE, signal, info, context, true);
      return;
    }
    /* Without an alternate stack the kernel puts the signal's frame on the interrupted one. */
    episode->mask = machine_mask(context);
    episode->stack = context->uc_stack;
    context->uc_stack.ss_flags = SS_DISABLE;
    machine_set_mask(context, ~signal_bit(signal));
    episode->staged_signal = signal;
    episode->stage = STAGE_MOVED;
    kernel_mask_change(SIG_SETMASK, ~(kernel_set)0, NULL);
    if (kernel_queue(pid, tid, signal, info)) machine_leave(context, &context->uc_stack);
    episode->stage = STAGE_NONE;
    context->uc_stack = episode->stack;
    machine_set_mask(context, episode->mask);
  }

  ucontext_t *outer_context = NULL;
  const volatile uintptr_t *outer_frame = NULL;
  uintptr_t outer_mark = 0;
  bool nested = false;
  if (episode != NULL) {
    nested = episode_is_live(episode, sp);
    if (nested) {
      outer_context = episode->context;
      outer_frame = episode->frame;
      outer_mark = episode->mark;
    } else if (!action->earlier) {
      const bool left = episode->active;
      if (!left && episode->info.si_signo == signal && same_signal(&episode->info, info) &&
          machine_same(context, &episode->registers)) {
        episode->repeats++;
      } else {
        episode->info = *info;
        machine_save(context, &episode->registers);
        episode->repeats = 0;
        episode->reported = false;
      }
    }
    frame[0] = (uintptr_t)frame ^ (uintptr_t)info->si_addr ^ (uintptr_t)tid;
    frame[1] = ~frame[0];
    episode->mark = frame[0];
    episode->frame = frame;
    episode->context = context;
    if (!nested) episode->alternate = context->uc_stack;
    episode->active = true;
  }

  /* "earlier": everything is blocked yet. */
  if (action->earlier) {
    const kernel_set own = (action->flags & SA_NODEFER) != 0 ? 0 : signal_bit(signal);
    kernel_mask_change(SIG_SETMASK, machine_mask(context) | action->mask | own, NULL);
  }
  if ((action->flags & SA_RESETHAND) != 0) program_actions_reset(signal, action->handler);
  ((kernel_handler *)action->handler)(signal, info, context);

  frame[1] = 0;
  if (episode == NULL) return;
  episode->active = nested;
  episode->context = outer_context;
  episode->frame = outer_frame;
  episode->mark = outer_mark;
  if (episode->stage == STAGE_NONE && crash_end_from_abort(signal, info, context))
    crash(episode, pid, tid, OUTCOME_RESUME, signal, info, context, true);
}

/* The signal has come again, as it was arranged for. False: it has nothing to do with that. */
static bool continue_stage(struct episode *episode, int pid, int tid, int signal, siginfo_t *info,
                           ucontext_t *context) {
  const enum episode_stage stage = episode->stage;
  if (stage == STAGE_NONE || episode->staged_signal != signal) return false;
  episode->stage = STAGE_NONE;
  switch (stage) {
    case STAGE_MOVED: {
      const struct program_action action = program_actions_get(signal);
      raw_syscall2(__NR_sigaltstack, &episode->stack, NULL);
      context->uc_stack = episode->stack;
      machine_set_mask(context, episode->mask);
      if (is_function(action.handler)) call_program(episode, pid, tid, &action, signal, info, context, false);
      else crash(episode, pid, tid, OUTCOME_DIE, signal, info, context, true);
      return true;
    }
    case STAGE_ASKED:
      crash(episode, pid, tid, OUTCOME_RESUME, signal, info, context, true);
      return true;
    default:
      machine_restore(context, &episode->here);
      machine_set_mask(context, episode->mask);
      context->uc_stack = episode->stack;
      finish(episode, pid, tid, episode->outcome, episode->actual.si_signo, &episode->actual, context, true);
      if (episode->aside) machine_leave(context, &context->uc_stack);
      return true;
  }
}

/* What the kernel calls for all signals that we handle. */
static void handle(int signal, siginfo_t *info, void *opaque) {
  ucontext_t *context = opaque;
  if (permitted_calls_trapped(signal, info, context)) return;
  const struct program_action action = program_actions_get(signal);
  const bool has_handler = is_function(action.handler) && !action.earlier;
  permitted_calls_find_out();
  if (!permitted(CALL_IDENTITY)) {
    siginfo_t none = {.si_signo = signal};
    if (has_handler) ((kernel_handler *)action.handler)(signal, info, context);
    else crash_end_die(0, 0, signal, info != NULL ? info : &none, context, true);
    return;
  }
  const int pid = raw_getpid();
  const int tid = raw_gettid();
  struct episode *episode = episode_find(tid);

  const bool whole = has_handler || has_siginfo(signal);
  siginfo_t made_up = {.si_signo = signal};
  if (!whole) {
    made_up.si_code = SI_USER;
    made_up.si_pid = pid;
    made_up.si_uid = (uid_t)raw_syscall0(RAW_GETUID);
    info = &made_up;
    crash(NULL, pid, tid, OUTCOME_DIE, signal, info, context, false);
    return;
  }
  if (episode != NULL && continue_stage(episode, pid, tid, signal, info, context)) return;
  if (episode != NULL && episode->context == context &&
      episode_is_live(episode, (uintptr_t)__builtin_frame_address(0))) {
    /* The program's handler has called ours, with what it has got: it leaves the decision to us. */
    crash(episode, pid, tid, OUTCOME_DIE, signal, info, context, true);
    return;
  }
  if (episode != NULL && episode->active && !episode_is_live(episode, machine_sp(context))) {
    episode->active = false;
    episode->info.si_signo = 0;
  }
  if (action.handler == (uintptr_t)SIG_IGN && info->si_code <= 0) {
    if (crash_end_from_abort(signal, info, context))
      crash(episode, pid, tid, OUTCOME_RESUME, signal, info, context, true);
    return;
  }
  if (has_handler) {
    if (episode == NULL) episode = episode_make(tid);
    if (episode != NULL && episode->repeats >= TOO_MANY_REPEATS && !episode->reported && !episode->active &&
        machine_same(context, &episode->registers)) {
      crash(episode, pid, tid, OUTCOME_RESUME, signal, info, context, true);
      return;
    }
    call_program(episode, pid, tid, &action, signal, info, context, true);
    return;
  }
  crash(episode, pid, tid, is_function(action.handler) ? OUTCOME_EARLIER : OUTCOME_DIE, signal, info, context, true);
}

bool crash_handler_install(int signal) { return program_actions_begin(signal, handle); }

void crash_handler_before_end(bool always) {
  /* Most programs end without any fault before: no call is made. */
  if (!always && !episode_any()) return;
  permitted_calls_find_out();
  if (!permitted(CALL_IDENTITY) || !permitted(CALL_QUEUE)) return;
  const int pid = raw_getpid();
  const int tid = raw_gettid();
  struct episode *episode = episode_find(tid);
  const bool at_fault = episode != NULL && episode_is_live(episode, (uintptr_t)__builtin_frame_address(0));
  if (at_fault ? episode->reported : !always) return;
  if (episode == NULL) episode = episode_make(tid);
  if (episode == NULL) return;
  if (!at_fault) {
    episode->active = false;
    episode->info.si_signo = 0;
  }
  siginfo_t info = {.si_signo = at_fault ? episode->info.si_signo : SIGABRT, .si_code = SI_TKILL};
  info.si_pid = pid;
  const int signal = info.si_signo;
  if (!crash_report_comes_to_us(signal)) return;
  kernel_set before;
  episode->staged_signal = signal;
  episode->stage = STAGE_ASKED;
  kernel_mask_change(SIG_UNBLOCK, signal_bit(signal), &before);
  if (!kernel_queue(pid, tid, signal, &info)) episode->stage = STAGE_NONE;
  kernel_mask_change(SIG_SETMASK, before, NULL);
}
