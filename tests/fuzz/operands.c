#include "operands.h"

#include <stdlib.h>
#include <string.h>

/* What careless callers do is frequent: no new code rewards the fuzzer for doing it to one array rather than another.
 */
static bool careless(uint8_t choice) {
    return choice % 16 == 15;
}

size_t take_size(bytes *in, size_t most) {
    const uint8_t choice = take_byte(in);
    return careless(choice) && take_flag(in) ? take_odd_size(in) : 1 + choice % most;
}

size_t take_stride(bytes *in, size_t columns) {
    const uint8_t choice = take_byte(in);
    if (careless(choice))
        return take_flag(in) ? columns - 1 : take_odd_size(in);
    return columns + (choice < 128 ? 0 : choice % 24);
}

/* Bytes from the first element to the end of the last; false if no function may take such an array. */
static bool extent_of(size_t rows, size_t columns, size_t ld, size_t element, size_t *extent) {
    const size_t limit = PTRDIFF_MAX / element;
    if (rows == 0 || columns == 0 || ld < columns || ld > limit || (rows > 1 && ld > (limit - columns) / (rows - 1)))
        return false;
    *extent = ((rows - 1) * ld + columns) * element;
    return true;
}

static uint32_t next(uint32_t *state) {
    *state = *state * 1664525 + 1013904223;
    return *state >> 8; /* 24 bits; the lowest ones of such a generator are poor */
}

/* Plain numbers, those with some of the special ones among them, those of all sizes, or all bits. */
static float next_float(uint32_t *state, size_t kind) {
    static const uint32_t special[] = {0x00000000, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0x00000001,
                                       0x807fffff, 0x7f7fffff, 0xff7fffff, 0x3f800000, 0xbf800000, 0x00800000};
    const uint32_t high = next(state), low = next(state);
    const bool is_special = high % 16 == 0;
    if (kind == 1 && is_special)
        return float_of(special[low % (sizeof special / sizeof *special)]);
    if (kind == 2)
        return float_of((low & 0x807fffff) | ((64 + high % 128) << 23));
    if (kind == 3)
        return float_of(high << 16 ^ low);
    return (float)low / 4194304.0f - 2.0f;
}

static void fill(unsigned char *at, size_t size, size_t element, bytes *in) {
    const uint8_t start = take_byte(in);
    uint32_t state = start;
    if (element != sizeof(float)) {
        memset(at, 0, size);
        return;
    }
    for (size_t k = 0; k < size; k += sizeof(float)) {
        const float value = next_float(&state, start % 8 < 4 ? 0 : start % 4);
        memcpy(at + k, &value, sizeof value);
    }
    if (start % 16 == 7 && size > 0) { /* one of the input's own */
        const float value = take_float(in);
        memcpy(at + take_below(in, size / sizeof value > 65536 ? 65536 : size / sizeof value) * sizeof value, &value,
               sizeof value);
    }
}

void operand_labels(operands *all, bytes *in, size_t classes) {
    const operand *o = &all->list[all->count - 1];
    uint32_t state = take_byte(in);
    for (size_t k = 0; o->at && o->block && classes > 0 && k < o->columns && o->rows == 1; k++) {
        const uint32_t label = (uint32_t)(next(&state) % classes);
        memcpy((unsigned char *)o->at + k * sizeof label, &label, sizeof label);
    }
}

void operand_bad_label(operands *all, bytes *in, size_t classes) {
    const operand *o = &all->list[all->count - 1];
    if (!take_rarely(in, 16) || !o->at || !o->block || o->columns == 0 || classes >= UINT32_MAX - 255)
        return;
    const uint32_t label = (uint32_t)classes + take_byte(in);
    memcpy((unsigned char *)o->at + take_below(in, o->columns < 256 ? o->columns : 256) * sizeof label, &label,
           sizeof label);
    all->bad = true;
}

static unsigned char *block_of(operand *o, size_t size) {
    o->block = malloc(size ? size : 1);
    o->before = malloc(size ? size : 1);
    REQUIRE(o->block && o->before);
    o->block_bytes = size;
    memset(o->block, 0x5a, size);
    return o->block;
}

/* A place in an earlier array from which `extent` bytes are there; null if there is none. */
static void *shared_place(const operands *all, bytes *in, size_t extent) {
    if (all->count == 0)
        return NULL;
    const operand *other = &all->list[take_below(in, all->count)];
    const size_t shift = take_below(in, 4) ? 0 : 4 * take_below(in, 64);
    if (!other->block || other->at == NULL)
        return NULL;
    const size_t offset = (size_t)((unsigned char *)other->at - other->block) + shift;
    return offset <= other->block_bytes && extent <= other->block_bytes - offset ? other->block + offset : NULL;
}

void *operand_new(operands *all, bytes *in, size_t rows, size_t columns, size_t ld, size_t element, bool output) {
    operand *o = &all->list[all->count];
    size_t extent;
    const uint8_t choice = take_byte(in);
    const size_t options = careless(choice) && !all->sane ? 1 + take_below(in, 4) : 0;
    REQUIRE(all->count < OPERANDS_MAX);
    *o = (operand){.rows = rows, .columns = columns, .ld = ld, .element = element, .output = output};
    if (options == 1) {
        all->strange = true;
        all->count++;
        return NULL;
    }
    if (!extent_of(rows, columns, ld, element, &extent)) {
        all->bad = true;
        o->rows = o->columns = 0; /* none of its elements may be written */
        extent = 8 * element;
    }
    if (extent > OPERAND_BYTES_MAX) {
        all->too_large = true;
        o->rows = o->columns = extent = 0;
    }
    if (options == 2 && !all->too_large && (o->at = shared_place(all, in, extent)) != NULL) {
        all->strange = true;
        all->count++;
        return o->at;
    }
    const size_t offset = choice % 4 == 0 ? element * (choice / 4 % 16) : 0;
    const size_t shift = options == 3 ? 1 : options == 4 ? element / 2 : 0;
    o->at = block_of(o, offset + shift + extent) + offset + shift;
    fill(o->at, extent, element, in);
    if (shift > 0)
        all->bad = true;
    all->count++;
    return o->at;
}

void operands_keep(operands *all) {
    for (size_t k = 0; k < all->count; k++)
        if (all->list[k].block)
            memcpy(all->list[k].before, all->list[k].block, all->list[k].block_bytes);
}

/* Takes the elements of an output as they are now into what is expected of the block that they lie in. */
static void allow(const operands *all, const operand *output) {
    const unsigned char *first = output->at;
    for (size_t k = 0; k < all->count; k++) {
        const operand *o = &all->list[k];
        if (!o->block || first < o->block || first >= o->block + o->block_bytes)
            continue;
        for (size_t n = 0; n < output->rows; n++) {
            const size_t at = (size_t)(first - o->block) + n * output->ld * output->element;
            memcpy(o->before + at, o->block + at, output->columns * output->element);
        }
    }
}

void operands_require(const operands *all, bool succeeded) {
    REQUIRE(!succeeded || !all->bad);
    for (size_t k = 0; succeeded && k < all->count; k++)
        if (all->list[k].output && all->list[k].at)
            allow(all, &all->list[k]);
    for (size_t k = 0; k < all->count; k++)
        if (all->list[k].block)
            REQUIRE(memcmp(all->list[k].before, all->list[k].block, all->list[k].block_bytes) == 0);
}

void operands_require_status(const operands *all, bp_status status, bool excused) {
    const bool good = status == BP_OK || all->bad || all->strange || excused;
    operands_require(all, status == BP_OK);
    for (size_t k = 0; !good && k < all->count; k++)
        fprintf(stderr, "array %zu: %p, [%zu x %zu], %zu apart, %zu bytes each\n", k, all->list[k].at,
                all->list[k].rows, all->list[k].columns, all->list[k].ld, all->list[k].element);
    if (!good)
        fprintf(stderr, "%s\n", bp_status_string(status));
    REQUIRE(good);
}

void operands_free(operands *all) {
    for (size_t k = 0; k < all->count; k++) {
        free(all->list[k].block);
        free(all->list[k].before);
    }
    all->count = 0;
}
