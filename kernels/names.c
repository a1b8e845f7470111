/* The names of the public enumerators, and the way back. */
#include <backprop/backprop.h>

#include <stdio.h>
#include <string.h>

#include "coefficients.h"
#include "enum_counts.h"
#include "failure.h"

/* The names of an enum. `type` and `argument` are words of messages. */
typedef struct name_list {
    const char *const *names;
    unsigned count;
    const char *type, *argument;
    bp_status unknown; /* the status for a name that is none of them */
} name_list;

static const char *name_of(const name_list *list, unsigned value) {
    return value < list->count ? list->names[value] : NULL;
}

__attribute__((cold)) static bp_status fail_unknown(const name_list *list, const char *name) {
    char valid[192];
    size_t length = 0;
    for (unsigned k = 0; k < list->count && length < sizeof valid; k++)
        length += (size_t)snprintf(valid + length, sizeof valid - length, "%s%s", k ? ", " : "", list->names[k]);
    return bp_fail(list->unknown, "no %s is named '%.32s'; valid names: %s", list->type, name, valid);
}

/* Enums of C are as large as int, unless an option of the compiler says otherwise. */
_Static_assert(sizeof(bp_isa) == sizeof(unsigned), "names.c stores enumerators as int");

/* Stores the enumerator of a name in the enum at `value`. */
static bp_status find(const name_list *list, const char *name, void *value) {
    if (!name || !value)
        return bp_fail(BP_ERROR_NULL, "%s is null", name ? list->argument : "name");
    for (unsigned k = 0; k < list->count; k++)
        if (strcmp(name, list->names[k]) == 0) {
            memcpy(value, &k, sizeof k);
            return BP_OK;
        }
    return fail_unknown(list, name);
}

static const char *const activation_names[ACTIVATION_COUNT] = {
    [BP_ACTIVATION_IDENTITY] = "identity",
    [BP_ACTIVATION_RELU] = "relu",
    [BP_ACTIVATION_LEAKY_RELU] = "leaky-relu",
    [BP_ACTIVATION_SIGMOID] = "sigmoid",
    [BP_ACTIVATION_TANH] = "tanh",
    [BP_ACTIVATION_RELU6] = "relu6",
    [BP_ACTIVATION_ELU] = "elu",
    [BP_ACTIVATION_SELU] = "selu",
    [BP_ACTIVATION_SOFTSIGN] = "softsign",
    [BP_ACTIVATION_HARD_SIGMOID] = "hard-sigmoid",
    [BP_ACTIVATION_SOFTPLUS] = "softplus",
    [BP_ACTIVATION_HARD_SWISH] = "hard-swish",
    [BP_ACTIVATION_SILU] = "silu",
    [BP_ACTIVATION_GELU] = "gelu",
    [BP_ACTIVATION_GELU_TANH] = "gelu-tanh",
    [BP_ACTIVATION_MISH] = "mish",
    [BP_ACTIVATION_SINE] = "sine",
};
static const name_list activations = {activation_names, ACTIVATION_COUNT, "activation", "kind", BP_ERROR_VALUE};

const char *bp_activation_name(bp_activation_kind kind) {
    return name_of(&activations, kind);
}

bp_status bp_activation_from_name(const char *name, bp_activation_kind *kind) {
    return find(&activations, name, kind);
}

static const char *const loss_names[LOSS_COUNT] = {
    [BP_LOSS_MSE] = "mse",
    [BP_LOSS_SOFTMAX_CROSS_ENTROPY] = "softmax-cross-entropy",
    [BP_LOSS_MAE] = "mae",
    [BP_LOSS_HUBER] = "huber",
    [BP_LOSS_BINARY_CROSS_ENTROPY] = "binary-cross-entropy",
    [BP_LOSS_SOFTMAX_CROSS_ENTROPY_TARGETS] = "softmax-cross-entropy-targets",
    [BP_LOSS_KULLBACK_LEIBLER] = "kullback-leibler",
    [BP_LOSS_HINGE] = "hinge",
    [BP_LOSS_MULTICLASS_HINGE] = "multiclass-hinge",
};
static const name_list losses = {loss_names, LOSS_COUNT, "loss", "loss", BP_ERROR_VALUE};

const char *bp_loss_name(bp_loss_kind loss) {
    return name_of(&losses, loss);
}

bp_status bp_loss_from_name(const char *name, bp_loss_kind *loss) {
    return find(&losses, name, loss);
}

static const char *const optimizer_names[OPTIMIZER_COUNT] = {
    [BP_OPTIMIZER_SGD] = "sgd",         [BP_OPTIMIZER_MOMENTUM] = "momentum", [BP_OPTIMIZER_NESTEROV] = "nesterov",
    [BP_OPTIMIZER_ADAGRAD] = "adagrad", [BP_OPTIMIZER_RMSPROP] = "rmsprop",   [BP_OPTIMIZER_ADAM] = "adam",
    [BP_OPTIMIZER_ADAMW] = "adamw",     [BP_OPTIMIZER_LION] = "lion",         [BP_OPTIMIZER_RPROP] = "rprop",
};
static const name_list optimizers = {optimizer_names, OPTIMIZER_COUNT, "optimizer", "kind", BP_ERROR_VALUE};

const char *bp_optimizer_name(bp_optimizer_kind kind) {
    return name_of(&optimizers, kind);
}

bp_status bp_optimizer_from_name(const char *name, bp_optimizer_kind *kind) {
    return find(&optimizers, name, kind);
}

static const char *const state_names[OPTIMIZER_COUNT][BP_OPTIMIZER_STATES] = {
    [BP_OPTIMIZER_MOMENTUM] = {"momentum"},
    [BP_OPTIMIZER_NESTEROV] = {"momentum"},
    [BP_OPTIMIZER_ADAGRAD] = {"squares"},
    [BP_OPTIMIZER_RMSPROP] = {"squares"},
    [BP_OPTIMIZER_ADAM] = {"momentum", "squares"},
    [BP_OPTIMIZER_ADAMW] = {"momentum", "squares"},
    [BP_OPTIMIZER_LION] = {"momentum"},
    [BP_OPTIMIZER_RPROP] = {"previous_gradient", "step_size"},
};

const char *bp_optimizer_state_name(bp_optimizer_kind kind, size_t index) {
    return (unsigned)kind < OPTIMIZER_COUNT && index < BP_OPTIMIZER_STATES ? state_names[kind][index] : NULL;
}

size_t bp_optimizer_states(bp_optimizer_kind kind) {
    return (unsigned)kind < OPTIMIZER_COUNT ? optimizer_states(kind) : 0;
}

static const char *const initializer_names[INITIALIZER_COUNT] = {
    [BP_INITIALIZER_XAVIER_UNIFORM] = "xavier-uniform", [BP_INITIALIZER_XAVIER_NORMAL] = "xavier-normal",
    [BP_INITIALIZER_HE_UNIFORM] = "he-uniform",         [BP_INITIALIZER_HE_NORMAL] = "he-normal",
    [BP_INITIALIZER_LECUN_UNIFORM] = "lecun-uniform",   [BP_INITIALIZER_LECUN_NORMAL] = "lecun-normal",
    [BP_INITIALIZER_ORTHOGONAL] = "orthogonal",
};
static const name_list initializers = {initializer_names, INITIALIZER_COUNT, "initializer", "kind", BP_ERROR_VALUE};

const char *bp_initializer_name(bp_initializer_kind kind) {
    return name_of(&initializers, kind);
}

bp_status bp_initializer_from_name(const char *name, bp_initializer_kind *kind) {
    return find(&initializers, name, kind);
}

static const char *const schedule_names[SCHEDULE_COUNT] = {
    [BP_SCHEDULE_CONSTANT] = "constant",     [BP_SCHEDULE_STEP] = "step",
    [BP_SCHEDULE_LINEAR] = "linear",         [BP_SCHEDULE_COSINE] = "cosine",
    [BP_SCHEDULE_ONE_CYCLE] = "one-cycle",   [BP_SCHEDULE_EXPONENTIAL] = "exponential",
    [BP_SCHEDULE_MULTI_STEP] = "multi-step", [BP_SCHEDULE_WARM_RESTARTS] = "warm-restarts",
};
static const name_list schedules = {schedule_names, SCHEDULE_COUNT, "schedule", "kind", BP_ERROR_VALUE};

const char *bp_schedule_name(bp_schedule_kind kind) {
    return name_of(&schedules, kind);
}

bp_status bp_schedule_from_name(const char *name, bp_schedule_kind *kind) {
    return find(&schedules, name, kind);
}

static const char *const isa_names[ISA_COUNT] = {
    [BP_ISA_SCALAR] = "scalar",
    [BP_ISA_AVX2] = "avx2",
    [BP_ISA_AVX512] = "avx512",
    [BP_ISA_NEON] = "neon",
};
static const name_list isas = {isa_names, ISA_COUNT, "instruction set", "isa", BP_ERROR_ISA_UNKNOWN};

const char *bp_isa_name(bp_isa isa) {
    return name_of(&isas, isa);
}

bp_status bp_isa_from_name(const char *name, bp_isa *isa) {
    return find(&isas, name, isa);
}
