#include <backprop/cpu.h>
#include <backprop/status.h>
#include <backprop/version.h>

#include "enum_counts.h"

#define TEXT_OF(x) #x
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *bp_version(void) {
    return VERSION_TEXT(BP_VERSION_MAJOR, BP_VERSION_MINOR, BP_VERSION_PATCH);
}

/* The sets that this machine can run, by the best of them: supported sets are nested. */
#define UNSUPPORTED "this machine cannot run that instruction set; valid here: "
static const char *const unsupported[ISA_COUNT] = {
    [BP_ISA_SCALAR] = UNSUPPORTED "scalar",
    [BP_ISA_AVX2] = UNSUPPORTED "scalar, avx2",
    [BP_ISA_AVX512] = UNSUPPORTED "scalar, avx2, avx512",
    [BP_ISA_NEON] = UNSUPPORTED "scalar, neon",
};

static const char *const texts[] = {
    [BP_OK] = "no error",
    [BP_ERROR_NULL] = "a required pointer is null",
    [BP_ERROR_SIZE] = "a size is zero or too small, such as a stride smaller than its row",
    [BP_ERROR_OVERFLOW] = "a product of sizes exceeds the address range",
    [BP_ERROR_OVERLAP] = "an output overlaps another array",
    [BP_ERROR_ALIGNMENT] = "a pointer is not aligned as its type or as BP_ALIGNMENT asks",
    [BP_ERROR_VALUE] = "an argument is out of range, or the object's state does not allow the call",
    [BP_ERROR_LABEL] = "a class label is none of the classes",
    [BP_ERROR_BATCH] = "the batch has more rows than the network was created for",
    [BP_ERROR_ISA_UNKNOWN] = "unknown instruction set; valid names: scalar, avx2, avx512, neon",
    [BP_ERROR_MEMORY] = "an allocation failed",
    [BP_ERROR_THREADS] = "a thread pool could not be made, or BACKPROP_THREADS is not a number of threads",
    [BP_ERROR_FILE] = "a file could not be opened, read or written",
    [BP_ERROR_FORMAT] = "a file is malformed or truncated",
    [BP_ERROR_MISMATCH] = "a file or a network is not what the call needs: sizes, names or kinds differ",
    [BP_ERROR_NONFINITE] = "a loss, the norm of a gradient or a parameter became infinite or NaN in training",
};

const char *bp_status_string(bp_status status) {
    if (status == BP_ERROR_ISA_UNSUPPORTED)
        return unsupported[bp_cpu_best()];
    return (size_t)status < sizeof texts / sizeof *texts ? texts[status] : "unknown status";
}
