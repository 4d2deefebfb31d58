/* The tables of exported functions, one per source file, each ended by an entry without a name. */
#pragma once

#include "result.h"

extern const Export ptrace_exports[];
extern const Export memory_exports[];
extern const Export signal_exports[];
extern const Export socket_exports[];
extern const Export message_exports[];
extern const Export rights_exports[];
extern const Export poller_exports[];
extern const Export descriptor_exports[];
extern const Export prctl_exports[];
extern const Export spawn_exports[];
extern const Export seccomp_exports[];
extern const Export heap_exports[];
extern const Export whole_file_exports[];
extern const Export process_file_exports[];
extern const Export trace_access_exports[];

/* The object of numbers; NULL with an exception pending. */
napi_value constants_object(napi_env env);
