/* UTF-8 (F. Yergeau, RFC 3629, 2003). */
#ifndef BP_UTF8_H
#define BP_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/** Bytes of the first character of a text that ends with NUL, in its shortest form; 0 at the end or if it is none. */
size_t bp_utf8_length(const unsigned char *text);

/** Whether a text is UTF-8 from one end to the other. */
bool bp_utf8_whole(const char *text);

#endif
