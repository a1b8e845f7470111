#include "utf8.h"

size_t bp_utf8_length(const unsigned char *text) {
    /* The bounds of the second byte exclude overlong forms, surrogates, and code points beyond 10ffff. */
    const unsigned char first = text[0];
    size_t length;
    unsigned char low = 0x80, high = 0xbf;
    if (first < 0x80)
        return first ? 1 : 0;
    if (first >= 0xc2 && first <= 0xdf) {
        length = 2;
    } else if (first >= 0xe0 && first <= 0xef) {
        length = 3;
        low = first == 0xe0 ? 0xa0 : low;
        high = first == 0xed ? 0x9f : high;
    } else if (first >= 0xf0 && first <= 0xf4) {
        length = 4;
        low = first == 0xf0 ? 0x90 : low;
        high = first == 0xf4 ? 0x8f : high;
    } else {
        return 0;
    }
    if (text[1] < low || text[1] > high)
        return 0;
    for (size_t k = 2; k < length; k++)
        if (text[k] < 0x80 || text[k] > 0xbf)
            return 0;
    return length;
}

bool bp_utf8_whole(const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    size_t length;
    while ((length = bp_utf8_length(at)) > 0)
        at += length;
    return *at == '\0';
}
