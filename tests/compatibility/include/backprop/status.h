#ifndef BACKPROP_STATUS_H
#define BACKPROP_STATUS_H
#include <backprop/export.h>
BP_BEGIN_DECLS
typedef enum bp_status {
    BP_OK = 0,
    BP_ERROR_NULL,
    BP_ERROR_SIZE,
    BP_ERROR_OVERFLOW,
    BP_ERROR_OVERLAP,
    BP_ERROR_ALIGNMENT,
    BP_ERROR_VALUE,
    BP_ERROR_LABEL,
    BP_ERROR_BATCH,
    BP_ERROR_ISA_UNKNOWN,
    BP_ERROR_ISA_UNSUPPORTED,
    BP_ERROR_MEMORY,
    BP_ERROR_THREADS,
    BP_ERROR_FILE,
    BP_ERROR_FORMAT,
    BP_ERROR_MISMATCH,
    BP_ERROR_NONFINITE
} bp_status;
BP_API const char *bp_status_string(bp_status status);
BP_API const char *bp_error_message(void);
BP_END_DECLS
#endif
