/* What has no numbers: names, versions, instruction sets. */
#include "enum_counts.h"
#include "modes.h"

static void names(notes *n) {
    for (unsigned k = 0; k <= ACTIVATION_COUNT; k++) {
        named(n, bp_activation_name((bp_activation_kind)k));
        counted(n, k < ACTIVATION_COUNT && bp_activation_saves_input((bp_activation_kind)k));
        named(n, bp_loss_name((bp_loss_kind)k));
        named(n, bp_optimizer_name((bp_optimizer_kind)k));
        counted(n, bp_optimizer_states((bp_optimizer_kind)k));
        named(n, bp_optimizer_state_name((bp_optimizer_kind)k, 0));
        named(n, bp_initializer_name((bp_initializer_kind)k));
        named(n, bp_schedule_name((bp_schedule_kind)k));
        named(n, bp_quantity_name((bp_quantity)k));
        named(n, bp_isa_name((bp_isa)k));
        named(n, bp_status_string((bp_status)k));
        counted(n, bp_dtype_bytes((bp_dtype)k));
    }
    named(n, bp_version());
    named(n, bp_error_message());
}

static void kinds(notes *n) {
    bp_activation_kind activation = BP_ACTIVATION_IDENTITY;
    bp_loss_kind loss = BP_LOSS_MSE;
    bp_optimizer_kind optimizer = BP_OPTIMIZER_SGD;
    bp_initializer_kind initializer = BP_INITIALIZER_ORTHOGONAL;
    bp_schedule_kind schedule = BP_SCHEDULE_CONSTANT;
    bp_isa isa = ISA_COUNT;
    const char *const known[] = {"tanh", "huber", "adam", "he-normal", "cosine", "avx2", "none"};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        explained(n, bp_activation_from_name(known[k], &activation));
        explained(n, bp_loss_from_name(known[k], &loss));
        explained(n, bp_optimizer_from_name(known[k], &optimizer));
        explained(n, bp_initializer_from_name(known[k], &initializer));
        explained(n, bp_schedule_from_name(known[k], &schedule));
        explained(n, bp_isa_from_name(known[k], &isa));
    }
    counted(n, activation);
    counted(n, loss);
    counted(n, optimizer);
    counted(n, initializer);
    counted(n, schedule);
    counted(n, isa);
}

static void defaults(notes *n) {
    const bp_schedule schedule = bp_schedule_defaults(BP_SCHEDULE_EXPONENTIAL);
    const bp_backward_options backward = bp_backward_options_defaults();
    const bp_fit_options fit = bp_fit_options_defaults();
    const bp_early_stopping stopping = bp_early_stopping_defaults();
    const bp_plateau plateau = bp_plateau_defaults();
    const bp_csv_options csv = bp_csv_options_defaults();
    const bp_load_options load = bp_load_options_defaults();
    gave(n, &schedule.learning_rate, sizeof schedule.learning_rate);
    gave(n, &schedule.factor, sizeof schedule.factor);
    gave(n, &backward.learning_rate, sizeof backward.learning_rate);
    gave(n, &fit.learning_rate, sizeof fit.learning_rate);
    gave(n, &stopping.min_delta, sizeof stopping.min_delta);
    gave(n, &plateau.factor, sizeof plateau.factor);
    gave(n, &plateau.threshold, sizeof plateau.threshold);
    counted(n, (size_t)csv.delimiter);
    counted(n, load.strict);
}

static void processor(notes *n) {
    bp_isa isa = BP_ISA_SCALAR;
    counted(n, bp_cpu_best());
    counted(n, bp_cpu_covered());
    counted(n, bp_cpu_supports(BP_ISA_AVX2));
    said(n, bp_cpu_active(&isa));
    said(n, bp_cpu_active(NULL));
    said(n, bp_cpu_set(isa));
    said(n, bp_cpu_set(ISA_COUNT));
    counted(n, isa);
}

const mode_case name_cases[] = {
    {"bp_activation_name bp_activation_saves_input bp_loss_name bp_optimizer_name bp_optimizer_states "
     "bp_optimizer_state_name bp_initializer_name bp_schedule_name bp_quantity_name bp_isa_name bp_status_string "
     "bp_dtype_bytes bp_version bp_error_message",
     names},
    {"bp_activation_from_name bp_loss_from_name bp_optimizer_from_name bp_initializer_from_name "
     "bp_schedule_from_name bp_isa_from_name",
     kinds},
    {"bp_schedule_init bp_backward_options_init bp_fit_options_init bp_early_stopping_init bp_plateau_init "
     "bp_csv_options_init bp_load_options_init",
     defaults},
    {"bp_cpu_best bp_cpu_covered bp_cpu_supports bp_cpu_active bp_cpu_set", processor},
    {NULL, NULL},
};
