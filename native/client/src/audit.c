/*
 * For LD_AUDIT (rtld-audit(7)): the dynamic linker loads this library before any other, into a namespace of its own, if
 * it has this function. The constructor does the rest. Nothing is interposed from there. In the shared library only;
 * ordinary context.
 */
#include "debuggerd/client.h"

DEBUGGERD_EXPORT unsigned la_version(unsigned version);
DEBUGGERD_EXPORT unsigned la_version(unsigned version) { return version; }
