/* The IDX format of MNIST and its relatives: a header of big-endian numbers, then the items' bytes. */
#ifndef TRAIN_IDX_H
#define TRAIN_IDX_H

#include <stddef.h>

typedef struct idx_file {
    size_t total;         /* items in the file, by its header */
    size_t count;         /* items read: as many as asked for, or all */
    size_t size;          /* bytes of an item: the product of all dimensions but the first */
    unsigned char *bytes; /* count * size of them; the caller frees them */
} idx_file;

/**
 * Reads up to `limit` items of a file of unsigned bytes, plain or compressed by gzip, which must have `dimensions`
 * dimensions. A file that is anything else ends in fail(). Memory grows with what the file really holds, whatever its
 * header claims.
 */
idx_file idx_read(const char *path, unsigned dimensions, size_t limit);

#endif
