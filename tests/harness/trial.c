#include "trial.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bits.h"
#include "fault.h"

/* The largest operand, in bytes, with its padding. */
enum { ARRAY_BYTES = 8 << 20 };

static FILE *report_stream;
static test_runner *other_runner;

void test_report_to(FILE *stream) {
    report_stream = stream;
}

void test_run_by(test_runner *runner) {
    other_runner = runner;
}

static bool whole_pages;

void test_whole_pages(bool apart) {
    whole_pages = apart;
}

/* Memory for all trials, mapped once: the operands' arrays and the scratch. */
static test_trial *shared_trial(void) {
    static test_trial trial;
    if (trial.scratch.data == NULL) {
        for (size_t k = 0; k < TEST_OPERANDS_MAX; k++) {
            test_array_create(&trial.operands[k].array, ARRAY_BYTES);
            test_array_create(&trial.operands[k].expected, ARRAY_BYTES);
        }
        const size_t count = test_scratch_bytes() / sizeof(float);
        test_array_create(&trial.scratch, count * sizeof(float));
        test_array_place(&trial.scratch, 1, count, count, 0, TEST_END);
    }
    return &trial;
}

test_trial *test_begin(test_table *table, const char *kernel, test_side side, const char *sizes, ...) {
    char numbers[64];
    va_list list;
    va_start(list, sizes);
    vsnprintf(numbers, sizeof numbers, sizes, list);
    va_end(list);
    char key[sizeof((test_trial *)NULL)->key];
    snprintf(key, sizeof key, "%s/%s/%s", kernel, numbers, side == TEST_END ? "end" : "start");
    if (!test_selected(key)) {
        return NULL;
    }

    test_trial *trial = shared_trial();
    trial->table = table;
    trial->kernel = kernel;
    memcpy(trial->key, key, sizeof key);
    trial->note[0] = '\0';
    trial->random = test_random_for(test_seed(), key);
    trial->side = side;
    trial->fill = test_fill_draw(&trial->random);
    trial->operand_count = 0;
    return trial;
}

void test_note(test_trial *trial, const char *format, ...) {
    const size_t used = strlen(trial->note);
    va_list list;
    va_start(list, format);
    vsnprintf(trial->note + used, sizeof trial->note - used, format, list);
    va_end(list);
}

static bool is_prime(size_t n) {
    for (size_t d = 2; d * d <= n; d++) {
        if (n % d == 0) {
            return false;
        }
    }
    return n > 1;
}

/* Packed, a prime, a few elements of padding, or columns of a much wider array. */
static size_t draw_ld(test_random *random, size_t columns) {
    const size_t kind = test_random_below(random, 8);
    if (whole_pages) {
        return (columns + FLOATS_PER_PAGE - 1) / FLOATS_PER_PAGE * FLOATS_PER_PAGE;
    }
    if (kind < 3) {
        return columns;
    }
    if (kind < 5) {
        size_t prime = columns + 1;
        while (!is_prime(prime)) {
            prime++;
        }
        return prime;
    }
    return columns + (kind < 7 ? 1 + test_random_below(random, 17) : 100 + test_random_below(random, 200));
}

static test_operand *add_operand(test_trial *trial, const char *name, test_role role, size_t rows, size_t columns,
                                 size_t ld) {
    /* Half of the arrays touch the guard page; flush at the end their alignment follows from their size. */
    static const size_t offsets[] = {0, 0, 0, 0, 1, 3, 7, 13};
    if (trial->operand_count == TEST_OPERANDS_MAX) {
        fprintf(stderr, "%s: more than %d operands\n", trial->key, TEST_OPERANDS_MAX);
        exit(2);
    }
    test_operand *operand = &trial->operands[trial->operand_count++];
    const size_t offset = offsets[test_random_below(&trial->random, sizeof offsets / sizeof *offsets)];
    operand->name = name;
    operand->role = role;
    operand->source = NULL;
    operand->ld = ld;
    test_array_place(&operand->array, rows, columns, ld, offset, trial->side);
    if (role != TEST_INPUT) {
        test_array_place(&operand->expected, rows, columns, ld, offset, trial->side);
    }
    return operand;
}

static void copy_rows(const test_array *to, const test_array *from) {
    for (size_t n = 0; n < from->rows; n++) {
        memcpy(to->data + n * to->ld, from->data + n * from->ld, from->columns * sizeof(float));
    }
}

test_operand *test_input(test_trial *trial, const char *name, size_t rows, size_t columns) {
    test_operand *operand = add_operand(trial, name, TEST_INPUT, rows, columns, draw_ld(&trial->random, columns));
    test_fill(&operand->array, trial->fill, &trial->random);
    return operand;
}

test_operand *test_output(test_trial *trial, const char *name, size_t rows, size_t columns) {
    return add_operand(trial, name, TEST_OUTPUT, rows, columns, draw_ld(&trial->random, columns));
}

static test_operand *add_updated(test_trial *trial, const char *name, size_t rows, size_t columns, size_t ld) {
    test_operand *operand = add_operand(trial, name, TEST_UPDATED, rows, columns, ld);
    test_fill(&operand->expected, trial->fill, &trial->random);
    copy_rows(&operand->array, &operand->expected);
    return operand;
}

test_operand *test_updated(test_trial *trial, const char *name, size_t rows, size_t columns) {
    return add_updated(trial, name, rows, columns, draw_ld(&trial->random, columns));
}

test_operand *test_updated_like(test_trial *trial, const char *name, const test_operand *other) {
    return add_updated(trial, name, other->array.rows, other->array.columns, other->ld);
}

test_operand *test_output_in_place(test_trial *trial, const char *name, test_operand *source) {
    test_operand *operand =
        add_operand(trial, name, TEST_IN_PLACE, source->array.rows, source->array.columns, source->ld);
    operand->source = source;
    copy_rows(&operand->array, &source->array);
    test_note(trial, ", %s in the place of %s", name, source->name);
    return operand;
}

test_operand *test_labels(test_trial *trial, const char *name, size_t count, size_t classes) {
    test_operand *operand = add_operand(trial, name, TEST_INPUT, 1, count, count);
    test_fill_labels(&operand->array, classes, &trial->random);
    return operand;
}

typedef struct bound_call {
    test_trial *trial;
    test_call *call;
    void *arguments;
    bool under_test;
} bound_call;

static void make_call(void *argument) {
    const bound_call *bound = argument;
    const bp_kernels *kernels = bound->under_test ? bound->trial->table->kernels : test_oracle();
    bound->call(kernels, bound->under_test, bound->trial->scratch.data, bound->arguments);
}

/* Points all operands at the arrays of the oracle's call, or of the call under test. */
static void choose_arrays(test_trial *trial, bool under_test) {
    for (size_t k = 0; k < trial->operand_count; k++) {
        test_operand *operand = &trial->operands[k];
        const bool own = under_test || operand->role == TEST_INPUT;
        operand->data = own ? operand->array.data : operand->expected.data;
        if (under_test && operand->role == TEST_IN_PLACE) {
            operand->source->data = operand->array.data;
        }
    }
}

void test_prepare_oracle(test_trial *trial) {
    choose_arrays(trial, false);
    for (size_t k = 0; k < trial->operand_count; k++) {
        if (trial->operands[k].role == TEST_UPDATED) {
            copy_rows(&trial->operands[k].expected, &trial->operands[k].array);
        }
    }
}

static void protect_inputs(const test_trial *trial, bool read_only) {
    for (size_t k = 0; k < trial->operand_count; k++) {
        if (trial->operands[k].role == TEST_INPUT) {
            test_array_protect(&trial->operands[k].array, read_only);
        }
    }
}

static const char *signal_name(int number) {
    switch (number) {
    case SIGSEGV:
        return "SIGSEGV";
    case SIGBUS:
        return "SIGBUS";
    case SIGILL:
        return "SIGILL";
    case SIGTRAP:
        return "SIGTRAP";
    default:
        return "SIGFPE";
    }
}

/* The call under test, or the oracle's; says on `text` if it ended in a signal. */
static bool survives(test_trial *trial, test_call *call, void *arguments, bool under_test, FILE *text) {
    bound_call bound = {trial, call, arguments, under_test};
    test_fault fault;
    choose_arrays(trial, under_test);
    if (test_survives(make_call, &bound, &fault)) {
        return true;
    }
    fprintf(text, "  %s%s ", under_test ? "" : "in the oracle: ", signal_name(fault.signal));
    bool located = test_array_locate(&trial->scratch, "scratch", fault.address, text);
    for (size_t k = 0; k < trial->operand_count && !located; k++) {
        const test_operand *operand = &trial->operands[k];
        located =
            test_array_locate(&operand->array, operand->name, fault.address, text) ||
            (operand->role != TEST_INPUT && test_array_locate(&operand->expected, operand->name, fault.address, text));
    }
    if (!located) {
        fprintf(text, "at %p, near no operand\n", (void *)(uintptr_t)fault.address);
    }
    return false;
}

static bool intact(const test_trial *trial, FILE *text) {
    for (size_t k = 0; k < trial->operand_count; k++) {
        const test_operand *operand = &trial->operands[k];
        if (!test_array_intact(&operand->array, operand->name, text)) {
            return false;
        }
        if (operand->role != TEST_INPUT && !test_array_intact(&operand->expected, operand->name, text)) {
            fprintf(text, "  (by the oracle)\n");
            return false;
        }
    }
    return true;
}

static void print_value(FILE *text, uint32_t bits) {
    fprintf(text, "%a (0x%08" PRIx32 ")", (double)test_float(bits), bits);
}

/* Compares one output with the oracle's; says on `text` what differs most. */
static bool equal(const test_operand *operand, FILE *text) {
    const test_array *got = &operand->array, *expected = &operand->expected;
    size_t different = 0, worst_row = 0, worst_column = 0;
    uint64_t worst = 0;
    bool unwritten = false;
    for (size_t n = 0; n < got->rows && !unwritten; n++) {
        for (size_t j = 0; j < got->columns && !unwritten; j++) {
            const float g = got->data[n * got->ld + j], e = expected->data[n * expected->ld + j];
            unwritten = test_raw_bits(g) == TEST_CANARY && operand->role == TEST_OUTPUT;
            if (test_bits(g) == test_bits(e) && !unwritten) {
                continue;
            }
            const uint64_t distance = unwritten ? UINT64_MAX : test_ulps(test_bits(g), test_bits(e));
            if (different++ == 0 || distance > worst || unwritten) {
                worst = distance;
                worst_row = n;
                worst_column = j;
            }
        }
    }
    if (different == 0) {
        return true;
    }
    fprintf(text, "  %s: ", operand->name);
    if (unwritten) {
        fprintf(text, "[%zu][%zu] was not written\n", worst_row, worst_column);
        return false;
    }
    const size_t index = worst_row * got->ld + worst_column;
    fprintf(text, "%zu of %zu elements differ; worst [%zu][%zu]: expected ", different, got->rows * got->columns,
            worst_row, worst_column);
    print_value(text, test_raw_bits(expected->data[index]));
    fputs(", got ", text);
    print_value(text, test_raw_bits(got->data[index]));
    if (worst == UINT64_MAX) {
        fputs(", one a NaN\n", text);
    } else {
        fprintf(text, ", %" PRIu64 " ULP apart\n", worst);
    }
    return false;
}

static bool all_equal(const test_trial *trial, FILE *text) {
    bool result = true;
    for (size_t k = 0; k < trial->operand_count; k++) {
        if (trial->operands[k].role != TEST_INPUT && !equal(&trial->operands[k], text)) {
            result = false;
        }
    }
    return result;
}

static void report(const test_trial *trial, const char *findings) {
    FILE *out = report_stream != NULL ? report_stream : stderr;
    fprintf(out, "FAILED %s on %s: fill %s%s\n%s", trial->key, trial->table->name, test_fill_name(trial->fill),
            trial->note, findings);
    for (size_t k = 0; k < trial->operand_count; k++) {
        const test_operand *operand = &trial->operands[k];
        fprintf(out, "  %s [%zu x %zu] ld %zu, %zu elements from the guard page\n", operand->name, operand->array.rows,
                operand->array.columns, operand->ld, operand->array.offset);
    }
    fputs("  again: ", out);
    test_say_again(out, trial->table->name, trial->key);
    fputc('\n', out);
    fflush(out);
}

test_outcome test_run(test_trial *trial, test_call *call, void *arguments) {
    if (other_runner != NULL) {
        return other_runner(trial, call, arguments);
    }
    char *findings = NULL;
    size_t length = 0;
    FILE *text = open_memstream(&findings, &length);
    if (text == NULL) {
        perror("open_memstream");
        exit(2);
    }

    protect_inputs(trial, true);
    test_outcome outcome = TEST_PASSED;
    if (!survives(trial, call, arguments, false, text) || !survives(trial, call, arguments, true, text)) {
        outcome = TEST_FAULT;
    } else if (!intact(trial, text)) {
        outcome = TEST_DAMAGE;
    } else if (!all_equal(trial, text)) {
        outcome = TEST_DIFFERENT;
    }
    protect_inputs(trial, false);

    fclose(text);
    trial->table->cases++;
    if (outcome != TEST_PASSED && test_count_failure()) {
        report(trial, findings);
    }
    free(findings);
    return outcome;
}
