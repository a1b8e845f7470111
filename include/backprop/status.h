/* Status codes: every call that can fail returns one; nothing aborts. */
#ifndef BACKPROP_STATUS_H
#define BACKPROP_STATUS_H

#include <backprop/export.h>

BP_BEGIN_DECLS

typedef enum bp_status {
    BP_OK = 0,
    BP_ERROR_NULL,            /* a required pointer is null */
    BP_ERROR_SIZE,            /* a size is zero, or a leading dimension is smaller than its row */
    BP_ERROR_OVERFLOW,        /* a product of sizes does not fit in memory's address range */
    BP_ERROR_OVERLAP,         /* an output overlaps another array in a way that is not documented as allowed */
    BP_ERROR_ALIGNMENT,       /* a pointer lacks the alignment of its type, or scratch lacks BP_ALIGNMENT */
    BP_ERROR_VALUE,           /* an enumerator or a number lies outside its documented range */
    BP_ERROR_LABEL,           /* a class label is not a whole number below the number of classes */
    BP_ERROR_BATCH,           /* a batch has more rows than the network was created for */
    BP_ERROR_ISA_UNKNOWN,     /* no instruction set has that name */
    BP_ERROR_ISA_UNSUPPORTED, /* this CPU, operating system or build cannot run that instruction set */
    BP_ERROR_MEMORY,          /* an allocation failed */
    BP_ERROR_THREADS,         /* a thread pool could not be made, or BACKPROP_THREADS is not a number */
    BP_ERROR_FILE,            /* a file could not be opened, read or written */
    BP_ERROR_FORMAT,          /* a file's content is not what its format asks for: malformed, or cut short */
    BP_ERROR_MISMATCH,        /* a file is well formed, but holds something else than was asked for */
    BP_ERROR_NONFINITE        /* a training came upon a loss, gradient norm or parameter that is infinite or NaN */
} bp_status;

/**
 * One English sentence for a status, without a full stop. Never null; the string is static.
 * For the two ISA codes it lists the names that are valid: all names, or those that this machine can run.
 */
BP_API const char *bp_status_string(bp_status status);

/**
 * What was wrong with this thread's last failed call, in words: the argument as the header names it, its value, and
 * what is allowed, such as "batch.rows is 65, and must be from 1 to the network's max_batch_size, 64". Every function
 * that returns a bp_status sets it when it fails; success leaves it as it is. UTF-8, one sentence without a full stop;
 * empty before the first failure. Never null; the text is valid until the next failure on this thread. Nothing is
 * allocated and no lock taken.
 */
BP_API const char *bp_error_message(void);

BP_END_DECLS

#endif
