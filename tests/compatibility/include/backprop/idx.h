#ifndef BACKPROP_IDX_H
#define BACKPROP_IDX_H
#include <stddef.h>
#include <backprop/export.h>
#include <backprop/file.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
BP_API bp_status bp_idx_read(const char *path, size_t limit, bp_array *array, size_t *total, bp_file_error *error);
BP_API bp_status bp_idx_read_memory(const void *bytes, size_t size, size_t limit, bp_array *array, size_t *total,
                                    bp_file_error *error);
BP_END_DECLS
#endif
