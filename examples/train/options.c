#include "options.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "fail.h"

static const options defaults = {.activation = {.kind = BP_RELU, .parameter = 0.01f},
                                 .epochs = 10,
                                 .batch = 64,
                                 .rate = 0.1f,
                                 .seed = 1,
                                 .limit = SIZE_MAX};

static void print_usage(void) {
    printf("Usage: train [OPTION VALUE]...\n"
           "Trains a dense neural network to tell classes of samples apart.\n"
           "\n"
           "  --data DIR         folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte\n"
           "                     and t10k-labels-idx1-ubyte, each plain or with .gz; or the word %s: a generated\n"
           "                     data set. Default: %s, or %s where that is missing\n"
           "  --layers SIZES     widths from inputs to classes. Default: %s (%s: %s)\n"
           "  --activation NAME  of the hidden layers:",
           SPIRALS, DEFAULT_FOLDER, SPIRALS, IDX_LAYERS, SPIRALS, SPIRALS_LAYERS);
    for (int kind = 0; kind < BP_ACTIVATION_COUNT; kind++)
        printf(" %s", bp_activation_name((bp_activation_kind)kind));
    printf(". Default: %s\n"
           "  --epochs N         passes over the training samples. Default: %zu\n"
           "  --batch N          samples in one step. Default: %zu\n"
           "  --rate X           learning rate of the first step; it falls to zero linearly. Default: %g\n"
           "  --isa NAME         instruction set:",
           bp_activation_name(defaults.activation.kind), defaults.epochs, defaults.batch, (double)defaults.rate);
    for (int isa = 0; isa < BP_ISA_COUNT; isa++)
        printf(" %s", bp_isa_name((bp_isa)isa));
    printf(". Default: BACKPROP_ISA, or the best here\n"
           "  --threads N        most threads to use. Default: BACKPROP_THREADS, or all\n"
           "  --seed N           of initial weights and shuffles. Default: %" PRIu64 "\n"
           "  --limit N          use the first N training samples only\n"
           "  --quiet            print the line 'weights:' only, a hash of all weights and biases\n"
           "  --help             print this\n"
           "\n"
           "Equal options give equal weights, bit for bit, with every instruction set and number of threads.\n",
           defaults.seed);
}

/* Reads decimal digits up to `end`, which may be null for the end of the string. strtoull would let signs, blanks and
 * negative numbers pass. */
static bool parse_digits(const char *text, const char *end, uint64_t *value) {
    uint64_t sum = 0;
    if (!end)
        end = text + strlen(text);
    for (const char *c = text; c < end; c++) {
        if (*c < '0' || *c > '9' || sum > (UINT64_MAX - (uint64_t)(*c - '0')) / 10)
            return false;
        sum = sum * 10 + (uint64_t)(*c - '0');
    }
    *value = sum;
    return end > text;
}

static uint64_t parse_number(const char *option, const char *text, uint64_t least, uint64_t most) {
    uint64_t value;
    if (!parse_digits(text, NULL, &value) || value < least || value > most)
        fail("%s %s: not a whole number from %" PRIu64 " to %" PRIu64, option, text, least, most);
    return value;
}

static float parse_rate(const char *option, const char *text) {
    char *end = NULL;
    const bool starts_well = (*text >= '0' && *text <= '9') || *text == '.'; /* no blanks, signs, "inf" or "nan" */
    const float value = starts_well ? strtof(text, &end) : 0.0f;
    if (!starts_well || end == text || *end != '\0' || !isfinite(value) || !(value > 0.0f))
        fail("%s %s: not a finite number above zero", option, text);
    return value;
}

static bp_activation_kind parse_activation(const char *option, const char *text) {
    bp_activation_kind kind;
    if (bp_activation_from_name(text, &kind) == BP_OK)
        return kind;
    char names[128] = "";
    for (int k = 0; k < BP_ACTIVATION_COUNT; k++)
        snprintf(names + strlen(names), sizeof names - strlen(names), " %s", bp_activation_name((bp_activation_kind)k));
    fail("%s %s: unknown; the activations are%s", option, text, names);
}

layer_sizes layers_parse(const char *text) {
    layer_sizes sizes = {0};
    size_t count = 0;
    for (const char *start = text, *end; start; start = end ? end + 1 : NULL) {
        uint64_t width;
        end = strchr(start, '-');
        if (count > LAYERS_MAX)
            fail("--layers %s: more than %d layers", text, LAYERS_MAX);
        if (!parse_digits(start, end, &width) || width < 1 || width > WIDTH_MAX)
            fail("--layers %s: not whole numbers from 1 to %d joined by '-'", text, WIDTH_MAX);
        sizes.sizes[count++] = (size_t)width;
    }
    if (count < 2)
        fail("--layers %s: needs two widths or more, inputs first and classes last", text);
    sizes.layers = count - 1;
    return sizes;
}

/* Whether `argument` is the option `name`, which needs a value: null where the command line ends. */
static bool matches(const char *argument, const char *name, const char *value) {
    if (strcmp(argument, name) != 0)
        return false;
    if (!value)
        fail("%s: its value is missing", name);
    return true;
}

static void apply(options *result, const char *option, const char *value) {
    enum { COUNT_MAX = 1000000000, THREADS_MAX = 1024 };
    if (matches(option, "--data", value))
        result->data = value;
    else if (matches(option, "--layers", value))
        result->layers = value;
    else if (matches(option, "--activation", value))
        result->activation.kind = parse_activation(option, value);
    else if (matches(option, "--epochs", value))
        result->epochs = (size_t)parse_number(option, value, 1, COUNT_MAX);
    else if (matches(option, "--batch", value))
        result->batch = (size_t)parse_number(option, value, 1, COUNT_MAX);
    else if (matches(option, "--rate", value))
        result->rate = parse_rate(option, value);
    else if (matches(option, "--isa", value))
        result->isa = value;
    else if (matches(option, "--threads", value))
        result->threads = (size_t)parse_number(option, value, 1, THREADS_MAX);
    else if (matches(option, "--seed", value))
        result->seed = parse_number(option, value, 0, UINT64_MAX);
    else if (matches(option, "--limit", value))
        result->limit = (size_t)parse_number(option, value, 1, COUNT_MAX);
    else
        fail("%s: unknown option (see --help)", option);
}

options options_parse(int argc, char **argv) {
    options result = defaults;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            print_usage();
            exit(0);
        } else if (strcmp(argv[i], "--quiet") == 0) {
            result.quiet = true;
        } else {
            apply(&result, argv[i], argv[i + 1]); /* argv[argc] is null */
            i++;
        }
    }
    return result;
}
