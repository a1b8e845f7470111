#include "normal.h"

#include <math.h>

/* 2 (s + s^3 / 3 + s^5 / 5 + ...) with s = (m - 1) / (m + 1) is the logarithm of m; s is at most 1/3 here. */
#define LOG_TERMS 12

/* The natural logarithm of 0 < x < 1, with a relative error of some 1e-12. */
static double natural_log(double x) {
    int exponent;
    const double m = frexp(x, &exponent), s = (m - 1.0) / (m + 1.0);
    double sum = 0.0;
    for (int k = LOG_TERMS - 1; k >= 0; k--)
        sum = sum * (s * s) + 1.0 / (2 * k + 1);
    return exponent * 0x1.62e42fefa39efp-1 + 2.0 * s * sum;
}

/*
 * AS 241's PPND7, without its branch for probabilities below exp(-25), which no 32-bit number reaches. It uses binary64
 * products and sums only, which every build rounds alike.
 */
static double normal_quantile(double u) {
    const double q = u - 0.5;
    if (fabs(q) <= 0.425) {
        const double r = 0.180625 - q * q;
        return q * (((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179) /
               (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0);
    }
    const double r = sqrt(-natural_log(q < 0.0 ? u : 1.0 - u)) - 1.6;
    const double x = (((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777) /
                     ((0.12021132975 * r + 0.73700164250) * r + 1.0);
    return q < 0.0 ? -x : x;
}

float bp_normal_number(uint32_t word) {
    return (float)normal_quantile(((double)word + 0.5) * 0x1p-32);
}
