/* Householder's QR factorization of weights in any layout. */
#ifndef BP_ORTHOGONAL_H
#define BP_ORTHOGONAL_H

#include "backend.h"

/**
 * Replaces the packed W [in x out], of stripes `width` wide, by Q of its factorization, each column with the sign of
 * R's diagonal: Q has orthonormal columns, or orthonormal rows if in < out. Sums run in ascending order in binary64;
 * stored elements are binary32.
 */
void bp_orthonormalize(bp_packed w, size_t width, size_t in, size_t out);

#endif
