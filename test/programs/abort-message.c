/*
 * Says why, then aborts: SIGABRT, SI_TKILL.
 *   abort-message [TEXT [SECOND]]   TEXT is the abort message (default "the ledger does not balance"); SECOND is
 *                                   set after it
 * The message goes through debuggerd_set_abort_message where the client library is loaded; without it the program only
 * aborts. Frames: (libc's abort), give_up, check_ledger, main.
 */
#include "program.h"

#include <dlfcn.h>

typedef void message_setter(const char *message);

FRAME void give_up(const char *text, const char *second) {
  message_setter *set_abort_message = (message_setter *)dlsym(RTLD_DEFAULT, "debuggerd_set_abort_message");
  if (set_abort_message != NULL) {
    set_abort_message(text);
    if (second != NULL) set_abort_message(second);
  }
  abort();
}

FRAME void check_ledger(const char *text, const char *second) {
  give_up(text, second);
  KEEP_FRAME();
}

int main(int argc, char **argv) {
  check_ledger(argc > 1 ? argv[1] : "the ledger does not balance", argc > 2 ? argv[2] : NULL);
  return 0;
}
