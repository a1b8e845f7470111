/*
 * A layer of a network, in two parts: what it is with its parameters, which belong to the network, and the values of
 * the rows that pass through it, which belong to a workspace.
 */
#ifndef BP_NETWORK_LAYER_H
#define BP_NETWORK_LAYER_H

#include "backend.h"

typedef struct dense_layer {
    size_t in, out;
    bp_activation activation;
    bp_derivative derivative; /* what the backward pass computes f' from */
    float dropout;            /* probability */
    bool saves_derivative;    /* the forward pass of a training step saves the activation's derivative itself */
    bool normalized;          /* layer normalization between product and activation */
    bool frozen;              /* steps do not change its parameters */
    bp_packed weights;        /* [in x out] */
    float *biases;            /* [out] */
    float *gamma, *beta;      /* [out], of a normalized layer */
} dense_layer;

typedef struct layer_rows {
    bp_packed outputs, deltas; /* [rows x out] */
    bp_packed saved;           /* [rows x out]: f' if the layer's derivative is DERIVATIVE_SAVED, else the outputs */
    /* Of a normalized layer only. Its deltas are dL/dz; those of the norm's outputs y are apart. */
    bp_packed normalized, norm_deltas; /* [rows x out] */
    float *rstd;                       /* [rows] */
} layer_rows;

/** The number of weights, biases, gammas and betas. */
static inline size_t bp_layer_parameters(const dense_layer *k) {
    return (k->in + (k->normalized ? 3 : 1)) * k->out;
}

#endif
