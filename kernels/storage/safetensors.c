#include "storage/safetensors.h"

#include "enum_counts.h"

const char *bp_safetensors_dtype_name(bp_dtype dtype) {
    static const char *const names[DTYPE_COUNT] = {"BOOL", "U8",  "I8",  "U16",  "I16", "U32", "I32",
                                                   "U64",  "I64", "F16", "BF16", "F32", "F64"};
    return (unsigned)dtype < DTYPE_COUNT ? names[dtype] : NULL;
}
