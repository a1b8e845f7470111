/* What reading and writing safetensors share. */
#ifndef BP_STORAGE_SAFETENSORS_H
#define BP_STORAGE_SAFETENSORS_H

#include <backprop/safetensors.h>

#include "storage/text.h"

#define BP_SAFETENSORS_HEADER_MAX BP_TEXT_MAX
#define BP_SAFETENSORS_METADATA "__metadata__"

/** A dtype's name in headers; null for a value outside the enumeration. */
const char *bp_safetensors_dtype_name(bp_dtype dtype);

#endif
