#include "transcript.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/bits.h"

void transcript_clear(transcript *t) {
    t->count = t->entries = 0;
}

void transcript_free(transcript *t) {
    free(t->words);
}

static void begin_entry(transcript *t, const char *name, size_t layer, size_t count) {
    while (t->count + count > t->room) {
        t->room = t->room ? 2 * t->room : 1024;
        t->words = realloc(t->words, t->room * sizeof *t->words);
    }
    if (!t->words || t->entries == TRANSCRIPT_ENTRIES_MAX)
        abort();
    t->entry[t->entries].name = name;
    t->entry[t->entries].layer = layer;
    t->entry[t->entries++].at = t->count;
}

void transcript_floats(transcript *t, const char *name, size_t layer, const float *values, size_t count) {
    begin_entry(t, name, layer, count);
    for (size_t k = 0; k < count; k++)
        t->words[t->count++] = test_bits(values[k]);
}

void transcript_number(transcript *t, const char *name, size_t layer, uint64_t value) {
    begin_entry(t, name, layer, 2);
    t->words[t->count++] = (uint32_t)value;
    t->words[t->count++] = (uint32_t)(value >> 32);
}

bool transcript_equal(const transcript *a, const transcript *b) {
    return a->count == b->count && a->entries == b->entries &&
           memcmp(a->words, b->words, a->count * sizeof *a->words) == 0;
}

void transcript_print_difference(FILE *out, const transcript *expected, const transcript *got) {
    size_t k = 0;
    while (k < expected->count && k < got->count && expected->words[k] == got->words[k])
        k++;
    size_t e = expected->entries - 1;
    while (expected->entry[e].at > k)
        e--;
    const size_t end = e + 1 < expected->entries ? expected->entry[e + 1].at : expected->count;
    size_t others = 0;
    for (size_t w = k + 1; w < end && w < got->count; w++)
        others += expected->words[w] != got->words[w];
    if (k >= expected->count || k >= got->count)
        fprintf(out, "%zu words instead of %zu\n", got->count, expected->count);
    else
        fprintf(out, "%s of layer %zu, element %zu of %zu: expected 0x%08" PRIx32 ", got 0x%08" PRIx32 "; %zu more\n",
                expected->entry[e].name, expected->entry[e].layer, k - expected->entry[e].at,
                end - expected->entry[e].at, expected->words[k], got->words[k], others);
}
