/* The options of loading, as the caller's version has them. */
#ifndef BP_STORAGE_LOAD_OPTIONS_H
#define BP_STORAGE_LOAD_OPTIONS_H

#include <backprop/checkpoint.h>

/** Reads the caller's options over the defaults. `given` may be null. */
bp_status bp_load_options_read(bp_load_options *options, const bp_load_options *given, bp_file_error *error);

#endif
