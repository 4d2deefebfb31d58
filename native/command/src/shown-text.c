/*
 * The rules of src/bytes/shown-text.ts (which says why) for the text that the command prints: its table of characters,
 * its way of writing them on a terminal, and the Encoding Standard's way of reading bytes that are no UTF-8.
 * test/bytes/shown-text-cases.ts is the table of cases for both.
 */
#include "shown-text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest that one byte becomes: \u{7f}. A sequence of several bytes becomes shorter for each. */
enum { LONGEST = 6 };

static const uint32_t unfit_ranges[][2] = {
    {0x00, 0x1f},     {0x7f, 0x9f},     {0x61c, 0x61c},   {0x200b, 0x200f},
    {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff},
};

static bool is_unfit(uint32_t c) {
  for (size_t i = 0; i < sizeof unfit_ranges / sizeof *unfit_ranges; i++) {
    if (c >= unfit_ranges[i][0] && c <= unfit_ranges[i][1]) return c != '\n' && c != '\t';
  }
  return false;
}

/*
 * Well-formed sequences of several bytes: the first byte's bounds, the second's (Unicode, table 3-7). Others are 80 to
 * bf.
 */
static const struct sequence {
  uint8_t first, last, least, most, length;
} sequences[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
    {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

/*
 * How many bytes belong together: a whole character, `*valid` and its code; else as much of one as is there, at least
 * one byte.
 */
static size_t decode(const uint8_t *at, size_t left, uint32_t *code, bool *valid) {
  *code = at[0];
  *valid = at[0] < 0x80;
  if (*valid) return 1;
  for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
    const struct sequence *const s = &sequences[i];
    if (at[0] < s->first || at[0] > s->last) continue;
    *code = at[0] & (0x7f >> s->length);
    size_t have = 1;
    while (have < s->length && have < left) {
      const uint8_t least = have == 1 ? s->least : 0x80, most = have == 1 ? s->most : 0xbf;
      if (at[have] < least || at[have] > most) break;
      *code = *code << 6 | (at[have++] & 0x3f);
    }
    *valid = have == s->length;
    return have;
  }
  return 1;
}

char *shown_text(const char *bytes, size_t length, size_t *shown) {
  char *const text = length > SIZE_MAX / LONGEST - 1 ? NULL : malloc(length * LONGEST + 1);
  if (text == NULL) return NULL;
  char *to = text;
  for (size_t at = 0; at < length;) {
    uint32_t code;
    bool valid;
    const size_t step = decode((const uint8_t *)bytes + at, length - at, &code, &valid);
    if (!valid) {
      memcpy(to, "\xef\xbf\xbd", 3);
      to += 3;
    } else if (is_unfit(code)) {
      to += sprintf(to, "\\u{%x}", (unsigned)code);
    } else {
      memcpy(to, bytes + at, step);
      to += step;
    }
    at += step;
  }
  *shown = (size_t)(to - text);
  return text;
}
