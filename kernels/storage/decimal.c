#include "storage/decimal.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * W. D. Clinger, "How to read floating point numbers accurately", PLDI 1990: up to 19 digits make an integer m below
 * 2^64, and powers of ten up to 10^22 are exact in binary64. So m * 10^e or m / 10^-e is
 *   - correctly rounded to binary64 if m is at most 2^53, as one operation on exact numbers;
 *   - else off by less than 2^-52 of itself, for rounding m and for the operation: less than 3 ULP.
 * Then it is rounded to binary32. That is correct unless a midpoint of two floats lies between the computed and the
 * true value, or is the computed one. The C library reads values near a midpoint, and everything else.
 */
typedef struct decimal {
    uint64_t digits;
    int64_t exponent;
    bool negative;
    bool simple; /* the number is digits * 10^exponent, as above */
    bool word;   /* inf or nan */
} decimal;

#define POWERS 22
#define DIGITS_MAX 19

static const double powers[POWERS + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                          1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static const char *after_blanks(const char *text) {
    while (*text == ' ' || *text == '\t')
        text++;
    return text;
}

static bool is_digit(char sign) {
    return (unsigned)(sign - '0') < 10;
}

/* The end of the word if the text begins with it, else null. */
static const char *read_word(const char *text) {
    static const char *const words[] = {"infinity", "inf", "nan"};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        size_t same = 0;
        while (words[k][same] && tolower((unsigned char)text[same]) == words[k][same])
            same++;
        if (!words[k][same])
            return text + same;
    }
    return NULL;
}

/* Adds digits to the number; beyond DIGITS_MAX it wraps around, which the caller detects. */
static const char *read_digits(const char *text, uint64_t *digits) {
    while (is_digit(*text))
        *digits = 10 * *digits + (uint64_t)(*text++ - '0');
    return text;
}

/* Reads an exponent, if the text has one. */
static const char *read_exponent(const char *text, decimal *d) {
    if (*text != 'e' && *text != 'E')
        return text;
    const char *at = text + 1;
    const bool negative = *at == '-';
    at += *at == '-' || *at == '+';
    if (!is_digit(*at))
        return text;
    int64_t exponent = 0;
    for (; is_digit(*at); at++) /* no text has enough digits to compensate for a larger one */
        exponent = exponent < INT64_MAX / 100 ? 10 * exponent + (*at - '0') : exponent;
    d->exponent += negative ? -exponent : exponent;
    return at;
}

static bool is_simple(const decimal *d, const char *first, ptrdiff_t count) {
    if (count > DIGITS_MAX) /* leading zeros do not count; a point among them is one character */
        for (; *first == '0' || *first == '.'; first++)
            count -= *first == '0';
    return count <= DIGITS_MAX && d->exponent >= -POWERS && d->exponent <= POWERS;
}

/* Reads a text that is a number with blanks around it; false if it is none. */
static bool scan(const char *text, decimal *d) {
    text = after_blanks(text);
    *d = (decimal){.negative = *text == '-'};
    text += *text == '-' || *text == '+';
    const char *const first = text;
    text = read_digits(text, &d->digits);
    ptrdiff_t count = text - first;
    if (*text == '.') {
        const char *const fraction = ++text;
        text = read_digits(text, &d->digits);
        count += text - fraction;
        d->exponent = -(text - fraction);
    }
    if (count > 0) {
        text = read_exponent(text, d);
        d->simple = is_simple(d, first, count);
    } else {
        text = read_word(first);
        d->word = true;
    }
    return text && *after_blanks(text) == '\0';
}

static double scaled(const decimal *d) {
    const double digits = (double)d->digits;
    const double value = d->exponent < 0 ? digits / powers[-d->exponent] : digits * powers[d->exponent];
    return d->negative ? -value : value;
}

/* Whether the value is near a midpoint of two floats, or its float is not normal. */
static bool is_doubtful(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t below = bits & 0x1fffffff; /* the bits that a float lacks */
    return (below > 0x10000000 - 4 && below < 0x10000000 + 4) || !(fabs(value) < 0x1p127);
}

const char *bp_decimal_float(const char *text, float *value) {
    decimal d;
    if (!scan(text, &d))
        return "not a number";
    if (d.simple) {
        const double near = scaled(&d);
        if (!is_doubtful(near)) {
            *value = (float)near;
            return NULL;
        }
    }
    const float read = strtof(text, NULL);
    if (isinf(read) && !d.word)
        return "beyond the range of binary32";
    *value = read;
    return NULL;
}

const char *bp_decimal_double(const char *text, double *value) {
    decimal d;
    if (!scan(text, &d))
        return "not a number";
    const double read = d.simple && d.digits <= UINT64_C(1) << 53 ? scaled(&d) : strtod(text, NULL);
    if (isinf(read) && !d.word)
        return "beyond the range of binary64";
    *value = read;
    return NULL;
}
