#include "shown-text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest that one byte becomes: \u{7f}. A sequence of several bytes becomes shorter for each. */
enum { LONGEST = 6 };

static bool is_control(uint32_t c) {
  return (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7f && c <= 0x9f) || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069);
}

/* Length of the sequence that begins here and its code point; 0 for what is none (RFC 3629: shortest form, no surrogates). */
static size_t decode(const uint8_t *at, size_t left, uint32_t *code) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const size_t length = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : at[0] >> 3 == 30 ? 4 : 0;
  if (length == 0 || length > left) return 0;
  *code = length == 1 ? at[0] : at[0] & (0x7f >> length);
  for (size_t i = 1; i < length; i++) {
    if (at[i] >> 6 != 2) return 0;
    *code = *code << 6 | (at[i] & 0x3f);
  }
  return *code < least[length] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff) ? 0 : length;
}

char *shown_text(const char *bytes, size_t length, size_t *shown) {
  char *const text = length > SIZE_MAX / LONGEST - 1 ? NULL : malloc(length * LONGEST + 1);
  if (text == NULL) return NULL;
  char *to = text;
  for (size_t at = 0; at < length;) {
    uint32_t code = 0;
    const size_t step = decode((const uint8_t *)bytes + at, length - at, &code);
    if (step == 0) {
      memcpy(to, "\xef\xbf\xbd", 3);
      to += 3;
    } else if (is_control(code)) {
      to += sprintf(to, "\\u{%x}", (unsigned)code);
    } else {
      memcpy(to, bytes + at, step);
      to += step;
    }
    at += step == 0 ? 1 : step;
  }
  *shown = (size_t)(to - text);
  return text;
}
