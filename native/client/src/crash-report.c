/* All functions here run in the signal handler of a crashed thread (see crash-handler.c). */
#include "crash-report.h"

#include "abort-message.h"
#include "crash-request.h"
#include "kernel-action.h"
#include "permitted-calls.h"
#include "program-actions.h"
#include "single-reporter.h"

struct debuggerd_address crash_report_address;

/*
 * The thread stands at the fault while the daemon looks: the handlers' frames are not to be overwritten by that
 * signal's.
 */
static _Alignas(16) char stage_stack[32 * 1024];

bool crash_report_ask(int pid, int tid, int signal, const siginfo_t *first) {
  if (!permitted(CALL_REPORT) || !single_reporter_claim(pid, tid)) return false;
  const struct debuggerd_request request = {
      .action = DEBUGGERD_CRASH,
      .tid = tid,
      .abort_message_address = debuggerd_abort_message_address(signal),
      .original_si_code = first->si_code,
  };
  return crash_request_send(&crash_report_address, &request);
}

bool crash_report_comes_to_us(int signal) {
  struct kernel_action action;
  return permitted(CALL_SIGACTION) && kernel_action_get(signal, &action) && action.handler == program_actions_handler();
}

bool crash_report_stage(struct episode *episode, int pid, int tid, enum episode_outcome outcome, const siginfo_t *info,
                  ucontext_t *context, bool nested) {
  const int signal = episode->info.si_signo;
  if (!permitted(CALL_QUEUE) || !crash_report_comes_to_us(signal)) return false;
  machine_save(context, &episode->here);
  episode->mask = machine_mask(context);
  episode->stack = context->uc_stack;
  episode->actual = *info;
  episode->outcome = outcome;
  episode->staged_signal = signal;
  episode->aside = false;
  if (nested) {
    machine_restore(context, &episode->registers);
    /*
     * The kernel changes no alternate stack that the thread stands on: then the thread stays where it is
     * (sigaltstack(2), EPERM).
     */
    episode->aside = !machine_on_alternate(context, machine_sp(context));
    if (!episode->aside) machine_restore(context, &episode->here);
    else context->uc_stack = (stack_t){.ss_sp = stage_stack, .ss_size = sizeof stage_stack};
  }
  machine_set_mask(context, ~signal_bit(signal));
  episode->stage = STAGE_REPORTED;
  if (kernel_queue(pid, tid, signal, &episode->info)) {
    if (episode->aside) machine_leave(context, &context->uc_stack);
    return true;
  }
  episode->stage = STAGE_NONE;
  machine_restore(context, &episode->here);
  machine_set_mask(context, episode->mask);
  context->uc_stack = episode->stack;
  return false;
}
