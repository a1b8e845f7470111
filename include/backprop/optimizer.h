/*
 * Optimizers: how a step moves a parameter w by its gradient g.
 *
 * The kinds of bp_optimizer_kind, with what each remembers of a parameter from step to step (its state, zero at first):
 *
 *   sgd       -           w = fma(-learning_rate, g, w)
 *   momentum  v           v = fma(momentum, v, g);  w = fma(-learning_rate, v, w)
 *   nesterov  v           v = fma(momentum, v, g);  w = fma(-learning_rate, fma(momentum, v, g), w)
 *   adagrad   s           s = fma(g, g, s);  w = fma(-learning_rate, g / (sqrt(s) + epsilon), w)
 *   rmsprop   s           s = fma(beta2, s, (1 - beta2) * (g * g));  w = fma(-learning_rate, g / (sqrt(s) + epsilon),
 * w) adam      m, v        m = fma(beta1, m, (1 - beta1) * g);  v = fma(beta2, v, (1 - beta2) * (g * g)) adamw w =
 * fma(-rate_t, m / fma(sqrt(v), correction_t, epsilon), w) lion      m           c = fma(beta1, m, (1 - beta1) * g);  w
 * = fma(-learning_rate, sign(c), w) m = fma(beta2, m, (1 - beta2) * g) rprop     g', d       d = d <= 0 ? rate : d;  q
 * = sign(g) * sign(g') q > 0: d = d * grow, step_max if that is less q < 0: d = d * shrink, step_min if that is more;
 * g = +0 w = fma(-d, sign(g), w);  g' = g
 *
 * Each operation is IEEE binary32 and rounds once, division and square root too; 1 - beta is computed in binary32;
 * sign(x) = x > 0 ? 1 : x < 0 ? -1 : x. In step t, counted from 1, Adam and AdamW correct the bias of their state by
 *
 *   rate_t = rate / (1 - beta1^t)     correction_t = 1 / sqrt(1 - beta2^t)
 *
 * computed in binary64 and rounded to binary32, where power = b^t is: power = 1; while t > 0: if t is odd,
 * power = power * b; b = b * b; t = t / 2, rounded down.
 *
 * Before it, in this order, each only where it is asked for:
 *
 *   clip_norm     g = g * factor, of networks alone: see bp_network_config
 *   clip          g = g < -clip ? -clip : g > clip ? clip : g
 *   weight_decay  L2: g = fma(weight_decay, w, g).  Decoupled: w = w * (1 - rate * weight_decay), where the last factor
 *                 is computed in binary64 and rounded to binary32. It applies to all parameters, biases, gains and
 *                 shifts too, or with BP_DECAY_SCOPE_WEIGHTS to weights alone.
 * and after it
 *   ema_decay     a = fma(ema_decay, a, (1 - ema_decay) * w): the moving average of the weights
 *
 * A NaN in g, w or the state goes into all that is computed from it; clipping leaves it a NaN.
 *
 * Sources: momentum, B. T. Polyak, 1964, in the form of I. Sutskever et al., "On the importance of initialization and
 * momentum in deep learning", 2013, as PyTorch has it; Adagrad, J. Duchi et al., 2011; RMSprop, T. Tieleman, G. Hinton,
 * Coursera lecture 6.5, 2012; Adam, D. P. Kingma, J. Ba, 2015; AdamW, I. Loshchilov, F. Hutter, "Decoupled weight decay
 * regularization", 2019; Lion, X. Chen et al., "Symbolic discovery of optimization algorithms", 2023; RPROP in the
 * variant iRprop- of C. Igel, M. Huesken, "Improving the Rprop learning algorithm", 2000, for gradients of all samples.
 */
#ifndef BACKPROP_OPTIMIZER_H
#define BACKPROP_OPTIMIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

typedef enum bp_optimizer_kind {
    BP_OPTIMIZER_SGD = 0,
    BP_OPTIMIZER_MOMENTUM,
    BP_OPTIMIZER_NESTEROV,
    BP_OPTIMIZER_ADAGRAD,
    BP_OPTIMIZER_RMSPROP,
    BP_OPTIMIZER_ADAM,
    BP_OPTIMIZER_ADAMW, /* Adam whose weight decay is decoupled */
    BP_OPTIMIZER_LION,
    BP_OPTIMIZER_RPROP,
} bp_optimizer_kind;

/** Parameters to which weight decay applies. */
typedef enum bp_decay_scope {
    BP_DECAY_SCOPE_ALL = 0,
    BP_DECAY_SCOPE_WEIGHTS, /* of layers alone: their biases, and gains and shifts of layer normalization, are left out
                             */
} bp_decay_scope;

/** The most arrays of state that an optimizer has. */
#define BP_OPTIMIZER_STATES 2

/**
 * An optimizer with its numbers. A zeroed one is plain stochastic gradient descent, and a number that is zero is the
 * usual one, given below (a beta that is to be nothing can be FLT_MIN). All are finite and not negative.
 */
typedef struct bp_optimizer {
    bp_optimizer_kind kind;
    float momentum;     /* momentum and Nesterov: 0.9; below 1 */
    float beta1, beta2; /* Adam, AdamW: 0.9 and 0.999; Lion: 0.9 and 0.99; RMSprop: beta2 is 0.99; below 1 */
    float epsilon;      /* Adam, AdamW, RMSprop: 1e-8; Adagrad: 1e-10 */
    float shrink, grow; /* RPROP: 0.5, below 1, and 1.2, above 1 */
    float step_min;     /* RPROP: 1e-6 */
    float step_max;     /* RPROP: 50; at least step_min */
    float weight_decay; /* 0: none. Decoupled for AdamW and Lion, an L2 penalty for the others, unless ... */
    bool decoupled;     /* ... this makes it decoupled for all */
    bp_decay_scope decay_scope;
    float clip;      /* largest absolute value of a gradient; 0: any */
    float clip_norm; /* largest norm of all gradients, of networks alone; 0: any */
    float ema_decay; /* decay of the moving average of the weights, below 1; 0: none is kept */
} bp_optimizer;

/** "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "lion", "rprop"; null for any other value. */
BP_API const char *bp_optimizer_name(bp_optimizer_kind kind);

/** The inverse of bp_optimizer_name. BP_ERROR_NULL, or BP_ERROR_VALUE with *kind unchanged. */
BP_API bp_status bp_optimizer_from_name(const char *name, bp_optimizer_kind *kind);

/** Arrays of state that a kind has, 0 to BP_OPTIMIZER_STATES; 0 for a value outside the enumeration. */
BP_API size_t bp_optimizer_states(bp_optimizer_kind kind);

/** What array `index` of a kind's state holds: "momentum", "squares", "previous_gradient", "step_size"; null if there
 * is none. */
BP_API const char *bp_optimizer_state_name(bp_optimizer_kind kind, size_t index);

/** Parameters with what their optimizer keeps of them: arrays of one shape, and where there are rows, of one stride. */
typedef struct bp_parameters {
    float *values;
    float *state[BP_OPTIMIZER_STATES]; /* in the order of the table above; null beyond bp_optimizer_states */
    float *ema;                        /* null unless the optimizer keeps one */
} bp_parameters;

/**
 * One step: parameters->values[k] and its state by gradient[k] for k < count, in one pass. `step` is t, from 1 on; it
 * tells on Adam and AdamW alone. The parameters count as weights: for biases, give no weight_decay where they have
 * none. (bp_dense_gradient_update knows which is which.)
 *
 * The arrays may not overlap. BP_ERROR_NULL (an array that the optimizer needs), BP_ERROR_SIZE, BP_ERROR_OVERFLOW,
 * BP_ERROR_OVERLAP, BP_ERROR_ALIGNMENT, BP_ERROR_VALUE (a number outside its range; clip_norm; a rate that is not
 * finite; a step of 0), and those of bp_cpu_active; on error nothing is written. Fused form: bp_dense_gradient_update.
 */
BP_API bp_status bp_optimizer_step(const bp_optimizer *optimizer, uint64_t step, float learning_rate,
                                   const bp_parameters *parameters, const float *gradient, size_t count);

/**
 * Stochastic gradient descent: parameters[k] = fma(-learning_rate, gradient[k], parameters[k]) for k < count.
 *
 * The arrays may not overlap. BP_ERROR_NULL, BP_ERROR_SIZE, BP_ERROR_OVERFLOW, BP_ERROR_OVERLAP,
 * BP_ERROR_ALIGNMENT; on error nothing is written. Fused form: bp_dense_gradient_sgd.
 */
BP_API bp_status bp_sgd(float *parameters, const float *gradient, size_t count, float learning_rate);

BP_END_DECLS

#endif
