/*
 * Matrices in panels (kernels/backend.h) for tests of a backend's functions, each beside the same matrix row-major,
 * which the scalar kernels compute on. Every matrix lies against a guard page, its panels some rows further apart than
 * they need be; what is no element holds a canary. One trial at a time: `begin`, `add_...`, the scalar kernels, `run`.
 */
#ifndef BP_TEST_PANEL_SUPPORT_H
#define BP_TEST_PANEL_SUPPORT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/fault.h"
#include "harness/harness.h"

enum { MATRICES = 9, MATRIX_BYTES = 4 << 20 };

/* ---- Matrices ------------------------------------------------------------------------------------------------- */

/* What the backend under test may do with a matrix. */
typedef enum use {
    READ,    /* it stays as it is */
    RESULT,  /* its elements become the scalar kernels' */
    SCRATCH, /* its elements may become anything */
    UNUSED   /* holds canaries and keeps them */
} use;

/* A matrix twice: row-major for the scalar kernels, and in panels. */
typedef struct matrix {
    const char *name;
    use use;
    size_t rows, columns;
    float *plain; /* packed */
    size_t width; /* of a panel */
    size_t pitch; /* rows from panel to panel */
    test_array array;
    bp_packed packed;
} matrix;

static struct {
    test_table *table;
    char key[128], note[128];
    test_random random;
    test_side side;
    test_fill_kind fill;
    matrix matrices[MATRICES];
    size_t count;
    test_array scratch;
} trial;

static bool begin(test_table *table, const char *function, test_side side, size_t rows, size_t columns, size_t depth) {
    const char *end = side == TEST_END ? "end" : "start";
    snprintf(trial.key, sizeof trial.key, "panels_%s/%zux%zux%zu/%s", function, rows, columns, depth, end);
    if (!test_selected(trial.key))
        return false;
    trial.table = table;
    trial.note[0] = '\0';
    trial.random = test_random_for(test_seed(), trial.key);
    trial.side = side;
    trial.fill = test_fill_draw(&trial.random);
    trial.count = 0;
    for (size_t k = 0; k < MATRICES && !trial.matrices[k].plain; k++) {
        test_array_create(&trial.matrices[k].array, MATRIX_BYTES);
        trial.matrices[k].plain = malloc(MATRIX_BYTES);
        assert_non_null(trial.matrices[k].plain);
    }
    if (!trial.scratch.memory)
        test_array_create(&trial.scratch, BP_SCRATCH_BYTES);
    return true;
}

static float *element(const matrix *m, size_t r, size_t c) {
    return m->array.data + (c / m->width * m->pitch + r) * m->width + c % m->width;
}

static matrix *add(const char *name, use purpose, size_t rows, size_t columns, size_t gap) {
    assert_true(trial.count < MATRICES);
    matrix *m = &trial.matrices[trial.count++];
    const size_t panel = trial.table->backend->panel_width;
    m->name = name;
    m->use = purpose;
    m->rows = rows;
    m->columns = columns;
    m->width = panel == WHOLE_ROWS ? columns : panel;
    m->pitch = rows + gap;
    const size_t panel_count = (columns + m->width - 1) / m->width;
    const size_t lines = (panel_count - 1) * m->pitch + rows;
    assert_true(rows * columns * sizeof(float) <= MATRIX_BYTES);
    test_array_place(&m->array, lines, m->width, m->width, 0, trial.side);
    for (size_t k = 0; k < lines * m->width; k++)
        m->array.data[k] = test_float(TEST_CANARY);
    m->packed = (bp_packed){m->array.data, m->width, m->pitch * m->width};

    const test_array plain = {.data = m->plain, .rows = rows, .columns = columns, .ld = columns};
    test_fill(&plain, trial.fill, &trial.random);
    for (size_t r = 0; r < rows && purpose != UNUSED; r++)
        for (size_t c = 0; c < columns; c++)
            *element(m, r, c) = m->plain[r * columns + c];
    return m;
}

static matrix *add_matrix(const char *name, use purpose, size_t rows, size_t columns) {
    return add(name, purpose, rows, columns, test_random_below(&trial.random, 4));
}

static inline matrix *add_vector(const char *name, use purpose, size_t count) {
    return add(name, purpose, 1, count, 0);
}

/* Takes back what it holds: it has not been written yet. */
static void empty(const matrix *m) {
    for (size_t r = 0; r < m->rows; r++)
        for (size_t c = 0; c < m->columns; c++)
            *element(m, r, c) = test_float(TEST_CANARY);
}

/* As many bytes as a network would have for this product, against the guard page. */
static void *scratch_for(size_t rows, size_t columns, size_t depth) {
    const size_t bytes = product_scratch_bytes(rows, columns, depth);
    const size_t floats = (bytes + BP_ALIGNMENT - 1) / BP_ALIGNMENT * BP_ALIGNMENT / sizeof(float);
    test_array_place(&trial.scratch, 1, floats, floats, 0, trial.side);
    return trial.scratch.data;
}

/* ---- Comparison ----------------------------------------------------------------------------------------------- */

static size_t vector_lanes(bp_isa isa) {
    switch (isa) {
    case BP_ISA_AVX512:
        return 16;
    case BP_ISA_AVX2:
        return 8;
    case BP_ISA_NEON:
        return 4;
    default:
        return 1;
    }
}

static bool is_canary(float value) {
    return test_raw_bits(value) == TEST_CANARY;
}

/* Looks at every worker of the array; `workers` fill the last vector of a row. Writes what is wrong to `text`. */
static bool as_promised(const matrix *m, size_t workers, FILE *text) {
    for (size_t line = 0; line < m->array.rows; line++)
        for (size_t worker = 0; worker < m->width; worker++) {
            const size_t r = line % m->pitch, c = line / m->pitch * m->width + worker;
            const float got = m->array.data[line * m->width + worker];
            if (r >= m->rows || c >= (m->columns + workers - 1) / workers * workers || m->use == UNUSED) {
                if (is_canary(got))
                    continue;
                fprintf(text, "  %s: wrote %a to [%zu][%zu], outside\n", m->name, (double)got, r, c);
                return false;
            }
            const float *expected = &m->plain[r * m->columns + c];
            if (c >= m->columns || m->use == SCRATCH || test_bits(got) == test_bits(*expected))
                continue;
            fprintf(text, "  %s[%zu][%zu]: expected %a, got %a%s\n", m->name, r, c, (double)*expected, (double)got,
                    is_canary(got) ? ", not written" : "");
            return false;
        }
    return test_array_intact(&m->array, m->name, text);
}

static void report(const char *findings) {
    fprintf(stderr, "FAILED %s on %s: fill %s%s\n%s", trial.key, trial.table->name, test_fill_name(trial.fill),
            trial.note, findings);
    fputs("  again: ", stderr);
    test_say_again(stderr, trial.table->name, trial.key);
    fputc('\n', stderr);
}

/* Runs the backend's call, the scalar kernels having filled the results' plain halves, and compares. */
static void run(void (*call)(void *argument), void *argument) {
    char *findings = NULL;
    size_t length = 0;
    FILE *text = open_memstream(&findings, &length);
    assert_non_null(text);
    test_fault fault;
    bool passed = test_survives(call, argument, &fault);
    if (!passed) {
        fprintf(text, "  %s\n", strsignal(fault.signal));
        for (size_t k = 0; k < trial.count; k++)
            test_array_locate(&trial.matrices[k].array, trial.matrices[k].name, fault.address, text);
        test_array_locate(&trial.scratch, "scratch", fault.address, text);
    }
    for (size_t k = 0; k < trial.count && passed; k++)
        passed = as_promised(&trial.matrices[k], vector_lanes(trial.table->kernels->isa), text);
    if (passed && trial.scratch.data)
        passed = test_array_intact(&trial.scratch, "scratch", text);
    fclose(text);
    trial.table->cases++;
    if (!passed && test_count_failure())
        report(findings);
    free(findings);
}

/* One of the first so many kinds. */
static bp_activation draw_activation(size_t kinds) {
    const bp_activation activation = {(bp_activation_kind)test_random_below(&trial.random, kinds), 0.25f};
    const size_t used = strlen(trial.note);
    snprintf(trial.note + used, sizeof trial.note - used, ", %s", bp_activation_name(activation.kind));
    return activation;
}

static void *oracle_scratch(void) {
    static void *scratch;
    if (!scratch)
        scratch = aligned_alloc(BP_ALIGNMENT, BP_SCRATCH_BYTES);
    assert_non_null(scratch);
    return scratch;
}

#endif
