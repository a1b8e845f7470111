#ifndef BACKPROP_CHECKPOINT_H
#define BACKPROP_CHECKPOINT_H
#include <stdbool.h>
#include <stddef.h>
#include <backprop/export.h>
#include <backprop/file.h>
#include <backprop/network.h>
#include <backprop/safetensors.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
BP_API bp_status bp_network_save(const bp_network *network, const char *path, const bp_metadata *notes, size_t count,
                                 bp_file_error *error);
BP_API bp_status bp_network_load(bp_network *network, const char *path, bp_file_error *error);
typedef enum bp_load_event {
    BP_LOAD_EVENT_UNEXPECTED = 0,
    BP_LOAD_EVENT_MISSING,
    BP_LOAD_EVENT_ZEROED
} bp_load_event;
typedef struct bp_load_options {
    size_t struct_size;
    const char *const *modules;
    size_t module_count;
    const char *pattern;
    bool strict;
    bool zero_biases;
    void (*report)(void *context, bp_load_event note, const char *name);
    void *context;
} bp_load_options;
BP_API void bp_load_options_init(bp_load_options *options, size_t struct_size);
static inline bp_load_options bp_load_options_defaults(void) {
    bp_load_options bp_made;
    bp_load_options_init(&bp_made, sizeof bp_made);
    return bp_made;
}
BP_API bp_status bp_network_load_with(bp_network *network, const char *path, const bp_load_options *options,
                                      bp_file_error *error);
BP_API bp_status bp_checkpoint_save(const bp_network *network, const char *path, const bp_metadata *notes, size_t count,
                                    bp_file_error *error);
BP_API bp_status bp_checkpoint_load(bp_network *network, const char *path, bp_file_error *error);
BP_END_DECLS
#endif
