/* What std::terminate is about, for the abort message: the type and the text of the exception that nobody caught. */
#ifndef DEBUGGERD_TERMINATE_MESSAGE_H
#define DEBUGGERD_TERMINATE_MESSAGE_H

#include "cxx-runtime.h"

/* Stands before the terminate handler that is installed. Does nothing in a process without C++. Ordinary context. */
void terminate_message_install(void);

/* std::set_terminate, before the C++ library's own. In the shared library only. */
cxx_terminate_handler *_ZSt13set_terminatePFvvE(cxx_terminate_handler *handler);

#endif
