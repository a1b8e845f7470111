#include "storage/listing.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "storage/error.h"

void bp_write_shape(char *text, size_t room, const bp_tensor *tensor) {
    size_t at = (size_t)snprintf(text, room, "[");
    for (size_t d = 0; d < tensor->dimensions && at < room; d++)
        at += (size_t)snprintf(text + at, room - at, d ? " x %zu" : "%zu", tensor->shape[d]);
    if (at < room)
        snprintf(text + at, room - at, "]");
}

void bp_list_tensor(void *context, const bp_tensor *tensor) {
    bp_listing *l = context;
    if (l->full)
        return;
    char shape[64], item[192], rest[48];
    const size_t at = strlen(l->text), room = sizeof l->text - at;
    const bool plain = tensor->dtype == BP_DTYPE_F32;
    bp_write_shape(shape, sizeof shape, tensor);
    snprintf(item, sizeof item, "%s%.64s %.16s%s%s", l->taken ? ", " : l->lead, tensor->name,
             plain ? "" : tensor->dtype_name, plain ? "" : " ", shape);
    snprintf(rest, sizeof rest, " and %zu more", l->to_come);
    l->to_come--;
    l->full = strlen(item) + (l->to_come > 0 ? strlen(rest) : 0) >= room;
    if (!l->full)
        snprintf(l->text + at, room, "%s", item);
    else if (l->taken > 0)
        snprintf(l->text + at, room, "%s", rest);
    l->taken++;
}

bp_status bp_mismatch(const bp_safetensors *file, bp_file_error *error, const char *format, ...) {
    bp_listing l = {.lead = "; the file has ", .to_come = bp_safetensors_count(file)};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(l.text, sizeof l.text, format, arguments);
    va_end(arguments);
    for (size_t k = 0; k < bp_safetensors_count(file); k++)
        bp_list_tensor(&l, bp_safetensors_tensor(file, k));
    return bp_file_fail(error, BP_ERROR_MISMATCH, "%s", l.text);
}
