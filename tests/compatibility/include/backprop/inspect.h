#ifndef BACKPROP_INSPECT_H
#define BACKPROP_INSPECT_H
#include <stddef.h>
#include <backprop/export.h>
#include <backprop/network.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
typedef enum bp_quantity {
    BP_QUANTITY_NONE = 0,
    BP_QUANTITY_WEIGHTS,
    BP_QUANTITY_BIASES,
    BP_QUANTITY_GAMMA,
    BP_QUANTITY_BETA,
    BP_QUANTITY_INPUTS,
    BP_QUANTITY_TARGETS,
    BP_QUANTITY_ROW_WEIGHTS,
    BP_QUANTITY_PRE_ACTIVATION,
    BP_QUANTITY_NORMALIZED,
    BP_QUANTITY_ACTIVATION,
    BP_QUANTITY_DROPOUT,
    BP_QUANTITY_LOSS,
    BP_QUANTITY_DELTA,
    BP_QUANTITY_GRADIENT,
    BP_QUANTITY_BIAS_GRADIENT,
    BP_QUANTITY_GAMMA_GRADIENT,
    BP_QUANTITY_BETA_GRADIENT,
    BP_QUANTITY_UPDATE,
    BP_QUANTITY_GRADIENT_NORM,
} bp_quantity;
BP_API const char *bp_quantity_name(bp_quantity quantity);
typedef struct bp_nonfinite {
    bp_quantity quantity;
    size_t layer;
    size_t row, column;
    float value;
} bp_nonfinite;
BP_API bp_status bp_network_find_nonfinite(bp_network *network, const bp_batch *batch, bp_nonfinite *found);
BP_API size_t bp_network_summary(const bp_network *network, char *text, size_t size);
BP_END_DECLS
#endif
