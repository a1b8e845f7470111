/* Status codes and error messages. Every call that can fail returns a status; the library never aborts. */
#ifndef BACKPROP_STATUS_H
#define BACKPROP_STATUS_H

#include <backprop/export.h>

BP_BEGIN_DECLS

typedef enum bp_status {
    BP_OK = 0,
    BP_ERROR_NULL,      /* a required pointer is null */
    BP_ERROR_SIZE,      /* a size is zero or too small, such as a stride smaller than its row */
    BP_ERROR_OVERFLOW,  /* a product of sizes does not fit in memory's address range */
    BP_ERROR_OVERLAP,   /* an output overlaps another array in a way that is not documented as allowed */
    BP_ERROR_ALIGNMENT, /* a pointer is not aligned to its type, or scratch is not aligned to BP_ALIGNMENT */
    BP_ERROR_VALUE,     /* an argument is out of range, or the object's state does not allow the call */
    BP_ERROR_LABEL, /* a class label is none of the classes: not a whole number below their number, or another text */
    BP_ERROR_BATCH, /* a batch has more rows than the network was created for */
    BP_ERROR_ISA_UNKNOWN,     /* no instruction set has that name */
    BP_ERROR_ISA_UNSUPPORTED, /* this CPU, operating system or build cannot run that instruction set */
    BP_ERROR_MEMORY,          /* an allocation failed */
    BP_ERROR_THREADS,         /* a thread pool could not be made, or BACKPROP_THREADS is not a number */
    BP_ERROR_FILE,            /* a file could not be opened, read or written */
    BP_ERROR_FORMAT,          /* a file is malformed or truncated */
    BP_ERROR_MISMATCH,        /* a file is valid, but has not what was requested; or two networks differ */
    BP_ERROR_NONFINITE        /* training produced a loss, gradient norm or parameter that is infinite or NaN */
} bp_status;

/**
 * A status in words: one English sentence without a full stop. Never null; the string is static. For the two ISA codes
 * it lists the valid names: all names, or those that this machine supports. bp_error_message says more.
 */
BP_API const char *bp_status_string(bp_status status);

/**
 * The reason for the last failed call on this thread: the argument, its value, and what is allowed. For example,
 *
 *   batch.rows is 65, and must be from 1 to the network's max_batch_size, 64
 *
 * Every function that returns a status sets it on failure; success does not change it. One English sentence in UTF-8
 * without a full stop; empty before the first failure. Never null. The text is valid until the next failure on this
 * thread. No allocation, no lock.
 */
BP_API const char *bp_error_message(void);

BP_END_DECLS

#endif
