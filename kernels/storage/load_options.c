#include "storage/load_options.h"

#include "sized.h"
#include "storage/error.h"

static const bp_load_options defaults = {.struct_size = sizeof(bp_load_options), .strict = true};

void bp_load_options_init(bp_load_options *options, size_t struct_size) {
    if (options)
        sized_write(options, struct_size, &defaults, sizeof defaults);
}

bp_status bp_load_options_read(bp_load_options *options, const bp_load_options *given, bp_file_error *error) {
    *options = defaults;
    const bp_status status = given ? sized_read(options, sizeof *options, SIZED_END(bp_load_options, context), given,
                                                "options", "bp_load_options_defaults()")
                                   : BP_OK;
    return status == BP_OK ? BP_OK : bp_file_fail(error, status, "%s", bp_error_message());
}
