/* Tensors in messages. */
#ifndef BP_STORAGE_LISTING_H
#define BP_STORAGE_LISTING_H

#include <stdbool.h>
#include <stddef.h>

#include <backprop/safetensors.h>

/** The shape "[10 x 128]" as a text, as far as it fits. */
void bp_write_shape(char *text, size_t room, const bp_tensor *tensor);

/** A list of tensors in a text, as far as it fits, then the number of the others. */
typedef struct bp_listing {
    char text[sizeof(((bp_file_error *)NULL)->text)];
    const char *lead; /* before the first */
    size_t to_come, taken;
    bool full;
} bp_listing;

/** Adds a tensor to the list, a bp_listing. */
void bp_list_tensor(void *context, const bp_tensor *tensor);

/** BP_ERROR_MISMATCH; the message is this text and a list of the file's tensors. */
bp_status bp_mismatch(const bp_safetensors *file, bp_file_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
