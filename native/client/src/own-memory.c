/*
 * What compilers call for copies and the like. In the shared library only, and hidden in it: the names that others see
 * are a sanitizer's, whose runtime may not be up, or is what has crashed. Any context.
 */
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t length);
void *memmove(void *to, const void *from, size_t length);
void *memset(void *to, int value, size_t length);
int memcmp(const void *left, const void *right, size_t length);
size_t strlen(const char *text);
size_t strnlen(const char *text, size_t limit);
int strncmp(const char *left, const char *right, size_t limit);

void *memcpy(void *restrict to, const void *restrict from, size_t length) {
  char *target = to;
  const char *source = from;
  for (size_t index = 0; index < length; index++) target[index] = source[index];
  return to;
}

void *memmove(void *to, const void *from, size_t length) {
  char *target = to;
  const char *source = from;
  if (target <= source) {
    for (size_t index = 0; index < length; index++) target[index] = source[index];
  } else {
    while (length-- > 0) target[length] = source[length];
  }
  return to;
}

void *memset(void *to, int value, size_t length) {
  char *target = to;
  for (size_t index = 0; index < length; index++) target[index] = (char)value;
  return to;
}

int memcmp(const void *left, const void *right, size_t length) {
  const unsigned char *one = left;
  const unsigned char *other = right;
  for (size_t index = 0; index < length; index++) {
    if (one[index] != other[index]) return one[index] - other[index];
  }
  return 0;
}

size_t strlen(const char *text) {
  size_t length = 0;
  while (text[length] != '\0') length++;
  return length;
}

size_t strnlen(const char *text, size_t limit) {
  size_t length = 0;
  while (length < limit && text[length] != '\0') length++;
  return length;
}

int strncmp(const char *left, const char *right, size_t limit) {
  for (size_t index = 0; index < limit; index++) {
    if (left[index] != right[index]) return (unsigned char)left[index] - (unsigned char)right[index];
    if (left[index] == '\0') break;
  }
  return 0;
}
