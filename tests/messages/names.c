/* The functions that find a kind by its name; cpu.h, kernels.h. */
#include "messages.h"

void names_are_refused(void) {
    bp_activation_kind activation;
    bp_loss_kind loss;
    bp_optimizer_kind optimizer;
    bp_initializer_kind initializer;
    bp_schedule_kind schedule;
    bp_isa isa;
    const bp_kernels *kernels;
    REFUSED("name", bp_activation_from_name, NULL, &activation);
    REFUSED("kind", bp_activation_from_name, "relu", NULL);
    REFUSED("name", bp_loss_from_name, NULL, &loss);
    REFUSED("loss", bp_loss_from_name, "mse", NULL);
    REFUSED("name", bp_optimizer_from_name, NULL, &optimizer);
    REFUSED("kind", bp_optimizer_from_name, "sgd", NULL);
    REFUSED("name", bp_initializer_from_name, NULL, &initializer);
    REFUSED("kind", bp_initializer_from_name, "orthogonal", NULL);
    REFUSED("name", bp_schedule_from_name, NULL, &schedule);
    REFUSED("kind", bp_schedule_from_name, "cosine", NULL);
    REFUSED("name", bp_isa_from_name, NULL, &isa);
    REFUSED("isa", bp_isa_from_name, "scalar", NULL);
    REFUSED("isa", bp_cpu_active, NULL);
    REFUSED("isa", bp_cpu_set, (bp_isa)77);
    REFUSED("kernels", bp_kernels_for, BP_ISA_SCALAR, NULL);
    REFUSED("isa", bp_kernels_for, (bp_isa)77, &kernels);
}
