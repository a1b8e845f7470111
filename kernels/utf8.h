/* UTF-8 (F. Yergeau, RFC 3629, 2003). */
#ifndef BP_UTF8_H
#define BP_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/** The length of the first character of a NUL-terminated text; 0 at the end, or if it is not UTF-8 in its shortest
 * form. */
size_t bp_utf8_length(const unsigned char *text);

/** Whether a whole text is UTF-8. */
bool bp_utf8_whole(const char *text);

#endif
