#ifndef BACKPROP_TENSOR_H
#define BACKPROP_TENSOR_H
#include <stddef.h>
#include <backprop/export.h>
#include <backprop/network.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
typedef enum bp_tensor_role {
    BP_TENSOR_ROLE_PARAMETER = 0,
    BP_TENSOR_ROLE_GRADIENT,
    BP_TENSOR_ROLE_STATE,
    BP_TENSOR_ROLE_EMA,
} bp_tensor_role;
typedef enum bp_tensor_part {
    BP_TENSOR_PART_WEIGHT = 0,
    BP_TENSOR_PART_BIAS,
    BP_TENSOR_PART_GAMMA,
    BP_TENSOR_PART_BETA,
} bp_tensor_part;
typedef struct bp_tensor_info {
    char name[64];
    bp_tensor_role role;
    bp_tensor_part part;
    size_t layer;
    size_t state;
    size_t dimensions;
    size_t shape[2];
} bp_tensor_info;
BP_API size_t bp_network_tensor_count(const bp_network *network);
BP_API bp_status bp_network_tensor_info(const bp_network *network, size_t index, bp_tensor_info *info);
BP_API bp_status bp_network_tensor_find(const bp_network *network, const char *name, size_t *index);
BP_API bp_status bp_network_tensor_read(const bp_network *network, size_t index, float *values, const size_t *strides);
BP_API bp_status bp_network_tensor_write(bp_network *network, size_t index, const float *values, const size_t *strides);
BP_END_DECLS
#endif
