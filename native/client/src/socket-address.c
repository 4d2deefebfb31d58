#include "socket-address.h"

#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static const char default_name[] = "android:debuggerd";
static const char variable[] = "DEBUGGERD_SOCKET=";

struct debuggerd_address debuggerd_address_for(const char *value, bool secure) {
  struct debuggerd_address address = {.name = {.sun_family = AF_UNIX}, .length = 0};
  const size_t room = sizeof address.name.sun_path - 1;
  if (value == NULL || secure || value[0] == '\0' || strnlen(value, room + 1) > room) value = default_name;

  const size_t length = strlen(value);
  const size_t lead = value[0] == '/' ? 0 : 1;
  memcpy(address.name.sun_path + lead, value, length);
  /* One byte more for both kinds: the NUL before an abstract name, the NUL after a path. */
  address.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
  return address;
}

struct debuggerd_address debuggerd_address_of_process(char *const *environment) {
  const char *value = NULL;
  if (environ != NULL) environment = environ;
  for (; environment != NULL && *environment != NULL; environment++) {
    if (strncmp(*environment, variable, sizeof variable - 1) == 0) {
      value = *environment + sizeof variable - 1;
      break;
    }
  }
  return debuggerd_address_for(value, getauxval(AT_SECURE) != 0);
}
