#include "options.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../program.h"
#include "data.h"

static const options defaults = {.activation = {.kind = BP_ACTIVATION_RELU, .parameter = 0.01f},
                                 .loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY,
                                 .epochs = 10,
                                 .batch = 64,
                                 .schedule = NO_SCHEDULE,
                                 .seed = 1,
                                 .limit = SIZE_MAX};

/* Names of the library's kinds, as it gives them for numbers from 0 on. */
typedef const char *kind_name_fn(int kind);

static const char *activation_name(int kind) {
    return bp_activation_name((bp_activation_kind)kind);
}

static const char *optimizer_name(int kind) {
    return bp_optimizer_name((bp_optimizer_kind)kind);
}

static const char *schedule_name(int kind) {
    return bp_schedule_name((bp_schedule_kind)kind);
}

/* In the order of bp_decay_scope. */
static const char *decay_of_name(int decay_scope) {
    return decay_scope == BP_DECAY_SCOPE_ALL ? "all" : decay_scope == BP_DECAY_SCOPE_WEIGHTS ? "weights" : NULL;
}

static const char *isa_name(int isa) {
    return bp_isa_name((bp_isa)isa);
}

static void print_names(const char *before, kind_name_fn *name, const char *after) {
    printf("%s", before);
    for (int kind = 0; name(kind); kind++)
        printf(" %s", name(kind));
    printf("%s", after);
}

/* Plain stochastic gradient descent and its relatives take larger steps than those that divide by the gradient's size.
 */
static float default_rate(bp_optimizer_kind optimizer) {
    return optimizer == BP_OPTIMIZER_SGD || optimizer == BP_OPTIMIZER_MOMENTUM || optimizer == BP_OPTIMIZER_NESTEROV
               ? 0.1f
               : 0.001f;
}

float options_rate(const options *o) {
    return o->learning_rate > 0.0f ? o->learning_rate : default_rate(o->optimizer.kind);
}

static void print_usage(void) {
    printf("Usage: train [OPTION VALUE]...\n"
           "Trains a dense neural network to tell classes of samples apart.\n"
           "\n"
           "  --data DIR         folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte\n"
           "                     and t10k-labels-idx1-ubyte, each plain or with .gz, or named .idx for -idx; or the "
           "word %s:\n"
           "                     a generated data set. Default: %s, or %s where that is missing\n"
           "  --limit N          use the first N training samples only\n"
           "  --normalize        brings each input to mean 0 and deviation 1 over the training samples\n"
           "  --layers SIZES     widths from inputs to classes. Default: %s (%s: %s)\n",
           SPIRALS, DEFAULT_FOLDER, SPIRALS, IDX_LAYERS, SPIRALS, SPIRALS_LAYERS);
    print_names("  --activation NAME  of the hidden layers:", activation_name, "");
    printf(". Default: %s\n"
           "  --dropout X        drops outputs of the hidden layers with this probability. Default: 0\n"
           "  --layer-norm       normalizes the hidden layers\n"
           "  --loss NAME        %s or %s. Default: the first\n"
           "  --smoothing X      of the labels, from 0 to 1. Default: 0\n"
           "  --epochs N         passes over the training samples. Default: %zu\n"
           "  --batch N          samples in one step. Default: %zu\n",
           bp_activation_name(defaults.activation.kind), bp_loss_name(BP_LOSS_SOFTMAX_CROSS_ENTROPY),
           bp_loss_name(BP_LOSS_MULTICLASS_HINGE), defaults.epochs, defaults.batch);
    print_names("  --optimizer NAME   one of", optimizer_name, "");
    printf(". Default: %s\n"
           "  --weight-decay X   decoupled for adamw and lion, else a penalty on squares. Default: 0\n"
           "  --weight-decay-of W  all parameters or weights alone, without biases, gamma and beta. Default: all\n"
           "  --learning-rate X  the highest learning rate. Default: %g (momentum, nesterov: too; others: %g)\n",
           bp_optimizer_name(defaults.optimizer.kind), (double)default_rate(BP_OPTIMIZER_SGD),
           (double)default_rate(BP_OPTIMIZER_ADAM));
    print_names("  --schedule NAME    of the learning rate:", schedule_name, "");
    printf(
        ". Default: falls to zero linearly\n"
        "  --warmup N         first steps, in which the learning rate rises. Default: 0\n"
        "  --stop-after N     stops after N of the epochs, for --load to go on\n"
        "  --save FILE        writes a checkpoint after each epoch\n"
        "  --load FILE        goes on where that checkpoint was written, with the other options as they were then\n");
    print_names("  --isa NAME         instruction set:", isa_name, "");
    printf(". Default: BACKPROP_ISA, or the best here\n"
           "  --threads N        most threads to use. Default: BACKPROP_THREADS, or one for each CPU in reach\n"
           "  --seed N           of initial weights, shuffles and dropout. Default: %" PRIu64 "\n"
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

/* Reads a finite number that is not negative. */
static bool parse_decimal(const char *text, float *value) {
    char *end = NULL;
    const bool starts_well = (*text >= '0' && *text <= '9') || *text == '.'; /* no blanks, signs, "inf" or "nan" */
    *value = starts_well ? strtof(text, &end) : 0.0f;
    return starts_well && end != text && *end == '\0' && isfinite(*value);
}

static float parse_positive(const char *option, const char *text) {
    float value;
    if (!parse_decimal(text, &value) || !(value > 0.0f))
        fail("%s %s: not a finite number above zero", option, text);
    return value;
}

static float parse_not_negative(const char *option, const char *text) {
    float value;
    if (!parse_decimal(text, &value))
        fail("%s %s: not a finite number, zero or more", option, text);
    return value;
}

/* From 0 to 1, or to below it. */
static float parse_fraction(const char *option, const char *text, bool one_too) {
    float value;
    if (!parse_decimal(text, &value) || value > 1.0f || (value == 1.0f && !one_too))
        fail("%s %s: not a number from 0 to %s1", option, text, one_too ? "" : "below ");
    return value;
}

/* The number of the kind of that name; `what` are they. */
static int parse_kind(const char *option, const char *text, kind_name_fn *name, const char *what) {
    char names[256] = "";
    for (int kind = 0; name(kind); kind++) {
        if (strcmp(text, name(kind)) == 0)
            return kind;
        snprintf(names + strlen(names), sizeof names - strlen(names), " %s", name(kind));
    }
    fail("%s %s: unknown; the %s are%s", option, text, what, names);
}

static bp_loss_kind parse_loss(const char *option, const char *text) {
    const bp_loss_kind of_labels[] = {BP_LOSS_SOFTMAX_CROSS_ENTROPY, BP_LOSS_MULTICLASS_HINGE};
    for (size_t k = 0; k < sizeof of_labels / sizeof *of_labels; k++)
        if (strcmp(text, bp_loss_name(of_labels[k])) == 0)
            return of_labels[k];
    fail("%s %s: unknown; the losses of labels are %s %s", option, text, bp_loss_name(of_labels[0]),
         bp_loss_name(of_labels[1]));
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
        result->activation.kind = (bp_activation_kind)parse_kind(option, value, activation_name, "activations");
    else if (matches(option, "--dropout", value))
        result->dropout = parse_fraction(option, value, false);
    else if (matches(option, "--loss", value))
        result->loss = parse_loss(option, value);
    else if (matches(option, "--smoothing", value))
        result->smoothing = parse_fraction(option, value, true);
    else if (matches(option, "--optimizer", value))
        result->optimizer.kind = (bp_optimizer_kind)parse_kind(option, value, optimizer_name, "optimizers");
    else if (matches(option, "--weight-decay", value))
        result->optimizer.weight_decay = parse_not_negative(option, value);
    else if (matches(option, "--weight-decay-of", value))
        result->optimizer.decay_scope = (bp_decay_scope)parse_kind(option, value, decay_of_name, "choices");
    else if (matches(option, "--schedule", value))
        result->schedule = (bp_schedule_kind)parse_kind(option, value, schedule_name, "schedules");
    else if (matches(option, "--warmup", value))
        result->warmup = parse_number(option, value, 0, COUNT_MAX);
    else if (matches(option, "--save", value))
        result->save = value;
    else if (matches(option, "--load", value))
        result->load = value;
    else if (matches(option, "--epochs", value))
        result->epochs = (size_t)parse_number(option, value, 1, COUNT_MAX);
    else if (matches(option, "--stop-after", value))
        result->stop_after = (size_t)parse_number(option, value, 1, COUNT_MAX);
    else if (matches(option, "--batch", value))
        result->batch = (size_t)parse_number(option, value, 1, COUNT_MAX);
    else if (matches(option, "--learning-rate", value))
        result->learning_rate = parse_positive(option, value);
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

/* The usual numbers of the kind that was chosen, with what else the command line says. */
static bp_optimizer finished_optimizer(const bp_optimizer *chosen) {
    bp_optimizer optimizer = bp_optimizer_defaults(chosen->kind);
    optimizer.weight_decay = chosen->weight_decay;
    optimizer.decay_scope = chosen->decay_scope;
    return optimizer;
}

options options_parse(int argc, char **argv) {
    options result = defaults;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            print_usage();
            exit(0);
        } else if (strcmp(argv[i], "--quiet") == 0) {
            result.quiet = true;
        } else if (strcmp(argv[i], "--normalize") == 0) {
            result.normalize = true;
        } else if (strcmp(argv[i], "--layer-norm") == 0) {
            result.layer_norm = true;
        } else {
            apply(&result, argv[i], argv[i + 1]); /* argv[argc] is null */
            i++;
        }
    }
    result.optimizer = finished_optimizer(&result.optimizer);
    if (result.warmup > 0 && result.schedule == NO_SCHEDULE)
        fail("--warmup: needs a --schedule");
    return result;
}
