/* Text from outside as a terminal may show it. */
#pragma once

#include <stddef.h>

/*
 * A copy in which lines and tabs stay, and every other character that src/bytes/shown-text.ts lists is written \u{HEX};
 * U+FFFD stands for each piece that is no UTF-8. To be freed; NULL without memory. `*shown` is its length.
 */
char *shown_text(const char *bytes, size_t length, size_t *shown);
