/* Modules of a file by a pattern. */
#ifndef BP_STORAGE_PATTERN_H
#define BP_STORAGE_PATTERN_H

#include "storage/entries.h"

/** Finds the modules, one for each of the network, whose names match a pattern. Errors as bp_network_load_with. */
bp_status bp_pattern_find(const bp_entries *entries, const bp_safetensors *file, const char *text, bp_module *modules,
                          bp_file_error *error);

#endif
