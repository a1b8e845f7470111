#include "array.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bits.h"

/* Elements on the far side of the data that carry the canary. The near side ends at the guard page. */
enum { MARGIN = 128 };

static size_t page_bytes(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t extent(const test_array *array) {
    return (array->rows - 1) * array->ld + array->columns;
}

static float *memory_start(const test_array *array) {
    return (float *)(void *)array->memory;
}

static float *memory_end(const test_array *array) {
    return (float *)(void *)(array->memory + array->bytes);
}

void test_array_create(test_array *array, size_t bytes) {
    const size_t page = page_bytes();
    bytes = (bytes + page - 1) / page * page;
    unsigned char *all = mmap(NULL, bytes + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED || mprotect(all + page, bytes, PROT_READ | PROT_WRITE) != 0) {
        perror("guarded memory");
        exit(2);
    }
    *array = (test_array){.memory = all + page, .bytes = bytes};
}

/* The elements that carry canaries or data: [*first, *last). */
static void watched(const test_array *array, float **first, float **last) {
    const size_t before = (size_t)(array->data - memory_start(array));
    const size_t after = (size_t)(memory_end(array) - array->data) - extent(array);
    *first = array->data - (before < MARGIN ? before : MARGIN);
    *last = array->data + extent(array) + (after < MARGIN ? after : MARGIN);
}

void test_array_place(test_array *array, size_t rows, size_t columns, size_t ld, size_t offset, test_side side) {
    array->rows = rows;
    array->columns = columns;
    array->ld = ld;
    array->offset = offset;
    array->side = side;
    if (ld < columns || (extent(array) + offset) * sizeof(float) > array->bytes) {
        fprintf(stderr, "a test asks for an array of %zu x %zu (ld %zu), beyond what it mapped\n", rows, columns, ld);
        exit(2);
    }
    array->data = side == TEST_START ? memory_start(array) + offset : memory_end(array) - offset - extent(array);

    const float canary = test_float(TEST_CANARY);
    float *first, *last;
    watched(array, &first, &last);
    for (; first < last; first++) {
        memcpy(first, &canary, sizeof canary);
    }
}

void test_array_protect(const test_array *array, bool read_only) {
    const size_t page = page_bytes();
    /* From the page of the first element to the last page; memory starts on a page. */
    const size_t begin = (size_t)((unsigned char *)array->data - array->memory) / page * page;
    const size_t end = (size_t)((unsigned char *)(array->data + extent(array)) - array->memory);
    if (mprotect(array->memory + begin, end - begin, read_only ? PROT_READ : PROT_READ | PROT_WRITE) != 0) {
        perror("mprotect");
        exit(2);
    }
}

/* Names an element outside the rows by its distance from the nearest one. */
static void say_where(const test_array *array, const char *name, const float *element, FILE *report) {
    if (element < array->data) {
        fprintf(report, "%zu before the start of %s\n", (size_t)(array->data - element), name);
        return;
    }
    const size_t index = (size_t)(element - array->data);
    if (index >= extent(array)) {
        fprintf(report, "%zu past the end of %s\n", index - extent(array) + 1, name);
        return;
    }
    const size_t row = index / array->ld, column = index % array->ld;
    const size_t right = column - array->columns + 1, left = array->ld - column;
    if (right <= left) {
        fprintf(report, "%zu to the right of row %zu of %s, in its padding\n", right, row, name);
    } else {
        fprintf(report, "%zu to the left of row %zu of %s, in the padding\n", left, row + 1, name);
    }
}

bool test_array_intact(const test_array *array, const char *name, FILE *report) {
    float *first, *last;
    watched(array, &first, &last);
    const float *row = array->data;
    for (const float *element = first; element < last; element++) {
        if (element == row && row < array->data + extent(array)) {
            element += array->columns - 1;
            row += array->ld;
            continue;
        }
        uint32_t bits;
        memcpy(&bits, element, sizeof bits);
        if (bits != TEST_CANARY) {
            fprintf(report, "  wrote %a (0x%08x) ", (double)test_float(bits), (unsigned)bits);
            say_where(array, name, element, report);
            return false;
        }
    }
    return true;
}

bool test_array_locate(const test_array *array, const char *name, const void *address, FILE *report) {
    const uintptr_t at = (uintptr_t)address, page = page_bytes();
    const uintptr_t begin = (uintptr_t)array->memory, end = begin + array->bytes;
    if (array->data == NULL || at < begin - page || at >= end + page) {
        return false;
    }
    if (at < begin) {
        fprintf(report, "%zu bytes before the memory of %s\n", (size_t)(begin - at), name);
    } else if (at >= end) {
        fprintf(report, "%zu bytes past the memory of %s\n", (size_t)(at - end) + 1, name);
    } else {
        fprintf(report, "in the memory of %s, which is read-only\n", name);
    }
    return true;
}
