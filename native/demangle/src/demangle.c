/*
 * demangle(name: string): string | null
 *
 * C++ names as the C++ runtime of this process writes them. Node itself is linked to a C++ runtime (libstdc++, or
 * libc++ on Android), so that __cxa_demangle is there to be found at run time: neither a C++ compiler nor its headers
 * are needed to build this file. (Itanium C++ ABI, section 3.4: "Demangler API".)
 */
#include <dlfcn.h>
#include <node_api.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A longer name is answered with null, and so is a longer result: the caller prints the name as it is. */
enum { max_name = 4096, max_result = 65536 };

typedef char *demangle_function(const char *name, char *buffer, size_t *length, int *status);

/* Written once, when the module is loaded; NULL where the process has no C++ runtime. */
static demangle_function *cxa_demangle;

static napi_value null_value(napi_env env)
{
	napi_value result = NULL;
	napi_get_null(env, &result);
	return result;
}

static napi_value demangle(napi_env env, napi_callback_info info)
{
	size_t argc = 1;
	napi_value argv[1];
	/* One byte more than the longest name, so that a longer one is seen to be longer, and the NUL. */
	char name[max_name + 2];
	size_t length = 0;

	if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) != napi_ok)
		return NULL;
	if (argc < 1 || napi_get_value_string_utf8(env, argv[0], name, sizeof name, &length) != napi_ok) {
		napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "demangle: the name must be a string");
		return NULL;
	}
	if (cxa_demangle == NULL || length > max_name || strlen(name) != length)
		return null_value(env);

	int status = 0;
	char *text = cxa_demangle(name, NULL, NULL, &status);
	if (text == NULL)
		return null_value(env);
	size_t size = strnlen(text, max_result + 1);
	napi_value result = NULL;
	bool made = status == 0 && size <= max_result && napi_create_string_utf8(env, text, size, &result) == napi_ok;
	free(text);
	return made ? result : null_value(env);
}

NAPI_MODULE_INIT()
{
	napi_value function;
	/* POSIX lets a data pointer from dlsym become a function pointer; ISO C has no cast for it. */
	void *found = dlsym(RTLD_DEFAULT, "__cxa_demangle");
	memcpy(&cxa_demangle, &found, sizeof cxa_demangle);

	if (napi_create_function(env, "demangle", NAPI_AUTO_LENGTH, demangle, NULL, &function) != napi_ok ||
	    napi_set_named_property(env, exports, "demangle", function) != napi_ok)
		return NULL;
	return exports;
}
