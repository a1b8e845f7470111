/*
 * Every exported function gives the same results in every floating-point mode of its caller, and leaves that mode as
 * it was. modes/ holds the cases; which functions there are is read from symbols/exported.txt.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "harness/mode.h"
#include "modes/modes.h"
#include "storage/files.h"

static const mode_case *const lists[] = {kernel_cases,  network_cases, training_cases,
                                         storage_cases, name_cases,    copy_cases};

/* ---- Every function has a case -------------------------------------------------------------------------------- */

static bool has_name(const char *names, const char *name) {
    const size_t length = strlen(name);
    for (const char *at = strstr(names, name); at; at = strstr(at + 1, name))
        if ((at == names || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

static bool has_case(const char *name) {
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (const mode_case *c = lists[l]; c->functions; c++)
            if (has_name(c->functions, name))
                return true;
    return false;
}

static void every_function_has_a_case(void **state) {
    (void)state;
    char name[128];
    size_t functions = 0, missing = 0;
    FILE *exported = fopen(TEST_EXPORTED, "r");
    assert_non_null(exported);
    while (fscanf(exported, "%127s", name) == 1) {
        functions++;
        if (!has_case(name)) {
            missing++;
            fprintf(stderr,
                    "%s has no case: in a list of tests/modes/*.c, add {\"%s\", f} with a function f that calls it,\n"
                    "    so that it succeeds and fails, and notes what it gives (tests/modes/modes.h)\n",
                    name, name);
        }
    }
    fclose(exported);
    assert_true(functions > 100);
    assert_int_equal(missing, 0);
}

/* ---- The same in every mode ----------------------------------------------------------------------------------- */

static void run(notes *n, const mode_case *c, uint64_t mode) {
    const uint64_t mine = test_mode();
    n->mode = mode;
    n->size = n->count = n->strayed = n->taken = 0;
    n->random = 20240229;
    bp_npy_read(NULL, NULL, NULL); /* so that bp_error_message starts with the same words */
    test_set_mode(mode);
    c->run(n);
    test_set_mode(mine);
}

static size_t end_of(const notes *n, size_t note) {
    return note + 1 < n->count ? n->begins[note + 1] : n->size;
}

static void show(const char *what, const notes *n, size_t note, size_t from) {
    fprintf(stderr, "    %s:", what);
    for (size_t k = from; note < n->count && k < end_of(n, note) && k < from + 16; k++)
        fprintf(stderr, " %02x", n->bytes[k]);
    fprintf(stderr, "\n");
}

/* Whether a case went as it did in the plain mode. */
static bool agrees(const mode_case *c, const char *mode, const notes *plain, const notes *other) {
    if (other->strayed) {
        fprintf(stderr, "%s, called with %s, left the mode %#llx instead of %#llx at its note %zu (from 1)\n",
                c->functions, mode, (unsigned long long)other->strayed_to, (unsigned long long)other->mode,
                other->strayed);
        return false;
    }
    size_t note = 0;
    while (note < plain->count && note < other->count && end_of(plain, note) == end_of(other, note) &&
           memcmp(plain->bytes + plain->begins[note], other->bytes + plain->begins[note],
                  end_of(plain, note) - plain->begins[note]) == 0)
        note++;
    if (note == plain->count && note == other->count)
        return true;
    size_t at = note < plain->count ? plain->begins[note] : plain->size;
    const size_t begin = at;
    while (at < plain->size && at < other->size && plain->bytes[at] == other->bytes[at])
        at++;
    fprintf(stderr, "%s, called with %s, gives something else at its note %zu (from 1), byte %zu\n", c->functions, mode,
            note + 1, at - begin);
    show("plain", plain, note, at);
    show("here ", other, note, at);
    return false;
}

static void every_mode_gives_the_same(void **state) {
    (void)state;
    static notes plain, other;
    size_t failures = 0;
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (const mode_case *c = lists[l]; c->functions; c++) {
            run(&plain, c, test_host_modes[0].mode);
            if (!agrees(c, "plain", &plain, &plain))
                failures++;
            for (const test_host_mode *m = test_host_modes + 1; m->name; m++) {
                run(&other, c, m->mode);
                failures += !agrees(c, m->name, &plain, &other);
            }
        }
    free(plain.bytes);
    free(other.bytes);
    assert_int_equal(failures, 0);
}

/* What is right, where denormals would pass for zeros. */
static void denormals_are_no_zeros(void **state) {
    (void)state;
    const float outputs[] = {TINY, 2e-40f, 3e-40f, 0.0f};
    const uint32_t label = 2;
    uint32_t predicted[4], binary[4];
    double accuracy = 0.0;
    float zero = 0.0f, tables_zero = 0.0f, wanted = -1e-39f, gradient = 1e-39f;
    const bp_kernels *kernels = NULL;
    assert_int_equal(bp_kernels_for(bp_cpu_best(), &kernels), BP_OK);
    for (const test_host_mode *host = test_host_modes; host->name; host++) {
        zero = tables_zero = 0.0f;
        test_set_mode(host->mode);
        bp_status status = bp_classify(predicted, outputs, 0, 1, 4);
        status |= bp_classify_binary(binary, outputs, 1, 4, 0.0f);
        status |= bp_accuracy_top(&accuracy, outputs, 0, &label, 1, 4, 1);
        status |= bp_sgd(&zero, &gradient, 1, 1.0f);
        const bp_float_mode mode = bp_float_mode_enter();
        kernels->sgd(&tables_zero, &gradient, 1, 1.0f);
        bp_float_mode_leave(mode);
        test_set_mode(test_host_modes[0].mode);
        assert_int_equal(status, BP_OK);
        assert_int_equal(predicted[0], 2);
        assert_memory_equal(binary, ((const uint32_t[]){1, 1, 1, 0}), sizeof binary);
        assert_true(accuracy == 1.0);
        assert_memory_equal(&zero, &wanted, sizeof wanted);
        assert_memory_equal(&tables_zero, &wanted, sizeof wanted);
    }
}

/* Words for an error: printf rounds as the x87 word has it. */
static void messages_round_to_nearest(void **state) {
    (void)state;
    static const double given[] = {0.1f, -0.7f, TINY, 1.0 / 3.0};
    for (size_t k = 0; k < sizeof given / sizeof *given; k++) {
        char plain[32], other[32];
        bp_number_text(plain, given[k]);
        for (const test_host_mode *host = test_host_modes; host->name; host++) {
            test_set_mode(host->mode);
            bp_number_text(other, given[k]);
            const uint64_t left = test_mode();
            test_set_mode(test_host_modes[0].mode);
            assert_true(left == host->mode);
            assert_string_equal(other, plain);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_has_a_case),
        cmocka_unit_test(every_mode_gives_the_same),
        cmocka_unit_test(denormals_are_no_zeros),
        cmocka_unit_test(messages_round_to_nearest),
    };
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
