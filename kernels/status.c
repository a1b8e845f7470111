#include <backprop/cpu.h>
#include <backprop/status.h>
#include <backprop/version.h>

#define TEXT_OF(x) #x
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *bp_version(void) {
    return VERSION_TEXT(BP_VERSION_MAJOR, BP_VERSION_MINOR, BP_VERSION_PATCH);
}

/* The names of the sets that this machine can run. Supported sets are nested: there are only these lists. */
static const char *unsupported_text(void) {
    switch (bp_cpu_best()) {
    case BP_ISA_AVX2:
        return "this machine cannot run that instruction set; valid here: scalar, avx2";
    case BP_ISA_AVX512:
        return "this machine cannot run that instruction set; valid here: scalar, avx2, avx512";
    case BP_ISA_NEON:
        return "this machine cannot run that instruction set; valid here: scalar, neon";
    default:
        return "this machine cannot run that instruction set; valid here: scalar";
    }
}

const char *bp_status_string(bp_status status) {
    switch (status) {
    case BP_OK:
        return "no error";
    case BP_ERROR_NULL:
        return "a required pointer is null";
    case BP_ERROR_SIZE:
        return "a size is zero or too small, such as a stride smaller than its row";
    case BP_ERROR_OVERFLOW:
        return "a product of sizes exceeds the address range";
    case BP_ERROR_OVERLAP:
        return "an output overlaps another array";
    case BP_ERROR_ALIGNMENT:
        return "a pointer is not aligned as its type or as BP_ALIGNMENT asks";
    case BP_ERROR_VALUE:
        return "an argument is out of range, or the object's state does not allow the call";
    case BP_ERROR_LABEL:
        return "a class label is none of the classes";
    case BP_ERROR_BATCH:
        return "the batch has more rows than the network was created for";
    case BP_ERROR_ISA_UNKNOWN:
        return "unknown instruction set; valid names: scalar, avx2, avx512, neon";
    case BP_ERROR_ISA_UNSUPPORTED:
        return unsupported_text();
    case BP_ERROR_MEMORY:
        return "an allocation failed";
    case BP_ERROR_THREADS:
        return "a thread pool could not be made, or BACKPROP_THREADS is not a number of threads";
    case BP_ERROR_FILE:
        return "a file could not be opened, read or written";
    case BP_ERROR_FORMAT:
        return "a file is malformed or truncated";
    case BP_ERROR_MISMATCH:
        return "a file or a network is not what the call needs: sizes, names or kinds differ";
    case BP_ERROR_NONFINITE:
        return "a loss, the norm of a gradient or a parameter became infinite or NaN in training";
    }
    return "unknown status";
}
