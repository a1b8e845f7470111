#ifndef BACKPROP_CSV_H
#define BACKPROP_CSV_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <backprop/export.h>
#include <backprop/file.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
typedef enum bp_csv_missing {
    BP_CSV_MISSING_ERROR = 0,
    BP_CSV_MISSING_NAN,
    BP_CSV_MISSING_SKIP
} bp_csv_missing;
typedef struct bp_csv_options {
    size_t struct_size;
    bool header;
    char delimiter;
    bp_csv_missing missing;
    const char *missing_text;
    char comment;
} bp_csv_options;
BP_API void bp_csv_options_init(bp_csv_options *options, size_t struct_size);
static inline bp_csv_options bp_csv_options_defaults(void) {
    bp_csv_options bp_made;
    bp_csv_options_init(&bp_made, sizeof bp_made);
    return bp_made;
}
typedef struct bp_csv bp_csv;
BP_API bp_status bp_csv_open(const char *path, const bp_csv_options *options, bp_csv **csv, bp_file_error *error);
BP_API bp_status bp_csv_open_memory(const void *bytes, size_t size, const bp_csv_options *options, bp_csv **csv,
                                    bp_file_error *error);
BP_API void bp_csv_close(bp_csv *csv);
BP_API size_t bp_csv_rows(const bp_csv *csv);
BP_API size_t bp_csv_columns(const bp_csv *csv);
BP_API size_t bp_csv_skipped(const bp_csv *csv);
BP_API const char *bp_csv_name(const bp_csv *csv, size_t column);
BP_API bp_status bp_csv_find(const bp_csv *csv, const char *name, size_t *column);
BP_API const char *bp_csv_field(const bp_csv *csv, size_t row, size_t column);
BP_API bp_status bp_csv_numbers(const bp_csv *csv, size_t first, size_t count, float *values, size_t stride,
                                bp_file_error *error);
BP_API bp_status bp_csv_numbers_shifted(const bp_csv *csv, size_t first, size_t count, const bp_shift_scale *change,
                                        float *values, size_t stride, bp_file_error *error);
BP_API bp_status bp_csv_doubles(const bp_csv *csv, size_t first, size_t count, double *values, size_t stride,
                                bp_file_error *error);
BP_API bp_status bp_csv_classes(const bp_csv *csv, size_t column, const char **names, size_t room, size_t *count,
                                bp_file_error *error);
BP_API bp_status bp_csv_labels(const bp_csv *csv, size_t column, const char *const *names, size_t count,
                               uint32_t *labels, bp_file_error *error);
BP_END_DECLS
#endif
