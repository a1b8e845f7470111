/* Matches the tensors of a file with those of a network. */
#ifndef BP_STORAGE_MATCHING_H
#define BP_STORAGE_MATCHING_H

#include <backprop/checkpoint.h>

#include "storage/entries.h"

/** Gives the parameters the names that the options ask for. Errors as bp_network_load_with. */
bp_status bp_entries_name(bp_entries *entries, const bp_safetensors *file, const bp_load_options *options,
                          bp_file_error *error);

/** Finds the entries' tensors by name, and checks types and shapes; `options` null: a checkpoint's, which are just
 * those that were written. What the options allow to be missing stays null. */
bp_status bp_entries_find(bp_entries *entries, const bp_safetensors *file, const bp_load_options *options,
                          bp_file_error *error);

/** Whether `there`, which may be null, has the type and shape of `wanted`. */
bp_status bp_match_exactly(const bp_safetensors *file, const bp_tensor *wanted, const bp_tensor *there,
                           bp_file_error *error);

/** Calls `visit` with each of the file's tensors that is none of the entries' and not `elsewhere` at home. */
void bp_match_each_extra(const bp_entries *entries, const bp_safetensors *file, bool (*elsewhere)(const char *name),
                         void (*visit)(void *context, const bp_tensor *tensor), void *context);

/** BP_ERROR_MISMATCH, with the names, if there are such tensors. */
bp_status bp_match_no_extra(const bp_entries *entries, const bp_safetensors *file, bool (*elsewhere)(const char *name),
                            bp_file_error *error);

#endif
