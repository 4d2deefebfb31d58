/* Text from outside as a terminal may show it. */
#pragma once

#include <stddef.h>

/*
 * A copy in which lines and tabs stay and every other control character, those of Unicode that change the direction of writing among
 * them, is written \u{HEX}; what is no UTF-8 becomes U+FFFD. To be freed; NULL without memory. `*shown` is its length.
 */
char *shown_text(const char *bytes, size_t length, size_t *shown);
