/* Sizes whose products leave the address range or wrap around it. */
#ifndef BP_TEST_LARGE_SIZES_H
#define BP_TEST_LARGE_SIZES_H

#include <stddef.h>
#include <stdint.h>

#define HALF ((size_t)1 << (sizeof(size_t) * 4)) /* whose square wraps to 0 */

/* What stands in the place of a good size: around powers of 2 and what wraps when it is taken 3, 4, 5, 12, 16 or 20
 * times. */
static const size_t large[] = {HALF / 2,     HALF - 1,          HALF,
                               HALF + 1,     HALF * 2,          SIZE_MAX / 20 + 1,
                               HALF * 4,     SIZE_MAX / 16 + 1, SIZE_MAX / 12 + 1,
                               SIZE_MAX / 8, SIZE_MAX / 8 + 1,  SIZE_MAX / 5 + 1,
                               SIZE_MAX / 4, SIZE_MAX / 4 + 1,  SIZE_MAX / 3 + 1,
                               SIZE_MAX / 2, SIZE_MAX / 2 + 1,  SIZE_MAX - 2,
                               SIZE_MAX};
enum { LARGE = sizeof large / sizeof *large };

#endif
