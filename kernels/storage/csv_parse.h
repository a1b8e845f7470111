/* Reads the text of a table. */
#ifndef BP_STORAGE_CSV_PARSE_H
#define BP_STORAGE_CSV_PARSE_H

#include "storage/csv_table.h"

/** Fills in the table from its text, which is `size` bytes and a NUL. A missing field becomes empty. */
bp_status bp_csv_parse(bp_csv *csv, size_t size, const bp_csv_options *options, bp_file_error *error);

#endif
