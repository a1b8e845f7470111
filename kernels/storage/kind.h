/* Recognizes files of another kind by their first bytes. */
#ifndef BP_STORAGE_KIND_H
#define BP_STORAGE_KIND_H

#include "storage/source.h"

/** Supported kinds, as messages name them. */
#define BP_KIND_SAFETENSORS "a safetensors file"
#define BP_KIND_NPY "a .npy file"
#define BP_KIND_ZIP "a zip archive, as torch.save and numpy.savez write"
#define BP_KIND_NPZ "a .npz file"
#define BP_KIND_IDX "an IDX file"
#define BP_KIND_CSV "a CSV file"

/**
 * After a reader's failure: if that is BP_ERROR_FORMAT, and the file is known to be something else than `wanted`, the
 * message says so: "not a safetensors file but a zip archive". Returns `status`, or that of a failure to read.
 */
bp_status bp_kind_refine(const bp_source *source, const char *wanted, bp_status status, bp_file_error *error);

#endif
