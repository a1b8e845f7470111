/* Numbers in decimal, as texts have them. */
#ifndef BP_STORAGE_DECIMAL_H
#define BP_STORAGE_DECIMAL_H

/**
 * The number that a text is, as in -12, .5, 1.25e-3, or inf, infinity or nan in any case, with blanks around it,
 * rounded to the nearest, ties to even. Both must run between bp_plain_enter and bp_plain_leave. Null if it is one, or
 * what is wrong: then *value is unchanged.
 */
const char *bp_decimal_float(const char *text, float *value);
const char *bp_decimal_double(const char *text, double *value);

#endif
