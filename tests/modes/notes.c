#include "modes.h"

#include <stdlib.h>
#include <string.h>

#include "harness/mode.h"

enum { ARENA = 1 << 20 };
static _Alignas(64) unsigned char arena[ARENA];

static uint32_t next_word(notes *n) {
    n->random = n->random * 1664525u + 1013904223u;
    return n->random;
}

static void *take(notes *n, size_t bytes) {
    void *taken = arena + n->taken;
    n->taken += (bytes + 63) / 64 * 64;
    if (n->taken > ARENA)
        abort();
    return taken;
}

float *numbers(notes *n, size_t count) {
    float *made = take(n, count * sizeof *made);
    for (size_t k = 0; k < count; k++) {
        const uint32_t word = next_word(n), sign = word & 0x80000000u, fraction = (word >> 4 & 0x7fffff) | 1;
        /* From 1/16 to 4, and every fifth denormal. */
        const uint32_t bits = sign | (k % 5 == 4 ? fraction : (123 + (word >> 27 & 0xf) % 6) << 23 | fraction);
        memcpy(&made[k], &bits, sizeof bits);
    }
    return made;
}

uint32_t *labels(notes *n, size_t count, uint32_t classes) {
    uint32_t *made = take(n, count * sizeof *made);
    for (size_t k = 0; k < count; k++)
        made[k] = (next_word(n) >> 8) % classes;
    return made;
}

void *scratch(void) {
    static void *memory;
    if (!memory && posix_memalign(&memory, BP_ALIGNMENT, bp_dense_scratch_bytes(64, 64, 64)) != 0)
        abort();
    return memory;
}

void gave(notes *n, const void *bytes, size_t size) {
    const uint64_t mode = test_mode();
    if (mode != n->mode && !n->strayed) {
        n->strayed = n->count + 1;
        n->strayed_to = mode;
    }
    if (n->size + size > n->room) {
        n->room = 2 * (n->size + size);
        n->bytes = realloc(n->bytes, n->room);
    }
    if (!n->bytes || n->count == sizeof n->begins / sizeof *n->begins)
        abort();
    memcpy(n->bytes + n->size, bytes, size);
    n->begins[n->count++] = n->size;
    n->size += size;
}

void said(notes *n, bp_status status) {
    gave(n, &status, sizeof status);
}

void explained(notes *n, bp_status status) {
    said(n, status);
    if (status != BP_OK)
        named(n, bp_error_message());
}

void counted(notes *n, uint64_t number) {
    gave(n, &number, sizeof number);
}

void named(notes *n, const char *text) {
    gave(n, text ? text : "(null)", strlen(text ? text : "(null)"));
}

void returned(notes *n) {
    gave(n, "", 1);
}
