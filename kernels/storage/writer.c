#include "storage/writer.h"

#include <string.h>

#include "storage/error.h"

void bp_writer_begin(bp_writer *writer, const char *path, bp_file_error *error) {
    writer->filled = 0;
    writer->written = 0;
    writer->error = error;
    writer->status = bp_file_outcome(error, bp_replacement_begin(&writer->file, path));
}

static void write_out(bp_writer *writer, const void *bytes, size_t count) {
    if (writer->status == BP_OK)
        writer->status = bp_file_outcome(writer->error, bp_replacement_write(&writer->file, bytes, count));
}

static void flush(bp_writer *writer) {
    write_out(writer, writer->buffer, writer->filled);
    writer->written += writer->filled;
    writer->filled = 0;
}

void bp_writer_put(bp_writer *writer, const void *bytes, size_t count) {
    if (count > sizeof writer->buffer - writer->filled)
        flush(writer);
    if (count > sizeof writer->buffer) {
        write_out(writer, bytes, count);
        writer->written += count;
    } else if (count > 0) {
        memcpy(writer->buffer + writer->filled, bytes, count);
        writer->filled += count;
    }
}

uint64_t bp_writer_at(const bp_writer *writer) {
    return writer->written + writer->filled;
}

static void move_to(bp_writer *writer, uint64_t at) {
    if (writer->status == BP_OK)
        writer->status = bp_file_outcome(writer->error, bp_replacement_seek(&writer->file, at));
}

void bp_writer_patch(bp_writer *writer, uint64_t at, const void *bytes, size_t count) {
    if (at >= writer->written) {
        memcpy(writer->buffer + (size_t)(at - writer->written), bytes, count);
        return;
    }
    move_to(writer, at);
    write_out(writer, bytes, count);
    move_to(writer, writer->written);
}

bp_status bp_writer_end(bp_writer *writer) {
    flush(writer);
    const bp_outcome outcome = bp_replacement_end(&writer->file, writer->status == BP_OK);
    return writer->status == BP_OK ? bp_file_outcome(writer->error, outcome) : writer->status;
}
