#include "storage/names.h"

#include <stddef.h>
#include <string.h>

/* Skips ignored components. */
static const char *skip_wrappers(const char *at) {
    static const char *const wrappers[] = {"module.", "_orig_mod."};
    enum { WRAPPERS = sizeof wrappers / sizeof *wrappers };
    for (size_t k = 0; k < WRAPPERS;) {
        const size_t length = strlen(wrappers[k]);
        const bool found = strncmp(at, wrappers[k], length) == 0;
        at += found ? length : 0;
        k = found ? 0 : k + 1;
    }
    return at;
}

/* The next character that is not ignored. */
static const char *next(const char *at) {
    return *at == '.' ? skip_wrappers(at + 1) : at + 1;
}

bool bp_names_same(const char *a, const char *b) {
    a = skip_wrappers(a);
    b = skip_wrappers(b);
    while (*a && *a == *b) {
        a = next(a);
        b = next(b);
    }
    return *a == *b;
}

void bp_names_unwrap(char *to, const char *from) {
    for (from = skip_wrappers(from); *from; from = next(from))
        *to++ = *from;
    *to = '\0';
}

static bool is_digit(char sign) {
    return sign >= '0' && sign <= '9';
}

/* Compares the numbers at the start of both, of any length, and skips them. */
static int compare_numbers(const char **a, const char **b) {
    static const char digits[] = "0123456789";
    *a += strspn(*a, "0");
    *b += strspn(*b, "0");
    const size_t a_length = strspn(*a, digits), b_length = strspn(*b, digits);
    const int order = a_length != b_length ? (a_length < b_length ? -1 : 1) : memcmp(*a, *b, a_length);
    *a += a_length;
    *b += b_length;
    return order;
}

/* Compares while the names differ in numbers only; the first different numbers give the order. */
static int walk(const char **a, const char **b) {
    int order = 0;
    while (**a || **b) {
        if (is_digit(**a) && is_digit(**b)) {
            const int numbers = compare_numbers(a, b);
            order = order ? order : numbers;
        } else if (**a == **b) {
            ++*a;
            ++*b;
        } else {
            break;
        }
    }
    return order;
}

int bp_names_compare(const char *a, const char *b) {
    const int order = walk(&a, &b);
    return order ? order : (int)(unsigned char)*a - (int)(unsigned char)*b;
}

bool bp_names_numbered(const char *a, const char *b) {
    return walk(&a, &b) != 0 && *a == '\0' && *b == '\0';
}
