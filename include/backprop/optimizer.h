/*
 * Optimizers: the update of a parameter w from its gradient g.
 *
 * The second column lists the optimizer's state: what it remembers of each parameter from step to step. All state is 0
 * at first.
 *
 *   sgd       -           w = fma(-learning_rate, g, w)
 *   momentum  v           v = fma(momentum, v, g);  w = fma(-learning_rate, v, w)
 *   nesterov  v           v = fma(momentum, v, g);  w = fma(-learning_rate, fma(momentum, v, g), w)
 *   adagrad   s           s = fma(g, g, s);  w = fma(-learning_rate, g / (sqrt(s) + epsilon), w)
 *   rmsprop   s           s = fma(beta2, s, (1 - beta2) * (g * g))
 *                         w = fma(-learning_rate, g / (sqrt(s) + epsilon), w)
 *   adam,     m, v        m = fma(beta1, m, (1 - beta1) * g);  v = fma(beta2, v, (1 - beta2) * (g * g))
 *   adamw                 w = fma(-rate_t, m / fma(sqrt(v), correction_t, epsilon), w)
 *   lion      m           c = fma(beta1, m, (1 - beta1) * g);  w = fma(-learning_rate, sign(c), w)
 *                         m = fma(beta2, m, (1 - beta2) * g)
 *   rprop     g', d       d = d <= 0 ? learning_rate : d;  q = sign(g) * sign(g')
 *                         if q > 0: d = d * grow, at most step_max
 *                         if q < 0: d = d * shrink, at least step_min;  g = +0
 *                         w = fma(-d, sign(g), w);  g' = g
 *
 * Every operation is IEEE binary32 and rounds once, including division, square root and 1 - beta.
 * sign(x) = x > 0 ? 1 : x < 0 ? -1 : x.
 *
 * Adam and AdamW correct the bias of their state. In step t, counted from 1:
 *
 *   rate_t = learning_rate / (1 - beta1^t)     correction_t = 1 / sqrt(1 - beta2^t)
 *
 * Both are computed in binary64 and rounded to binary32. b^t is computed as: power = 1; while t > 0: if t is odd,
 * power = power * b; b = b * b; t = t / 2, rounded down.
 *
 * These options act before the update, in this order:
 *
 *   clip_norm     g = g * factor; in networks only, see bp_network_train_step
 *   clip          g = g < -clip ? -clip : g > clip ? clip : g
 *   weight_decay  L2:        g = fma(weight_decay, w, g)
 *                 decoupled: w = w * (1 - learning_rate * weight_decay); the factor in parentheses is computed in
 *                            binary64 and rounded to binary32
 *
 * Weight decay applies to all parameters, including biases, gamma and beta. With BP_DECAY_SCOPE_WEIGHTS it applies to
 * weights only.
 *
 * This option acts after the update:
 *
 *   ema_decay     a = fma(ema_decay, a, (1 - ema_decay) * w), the exponential moving average (EMA) of the parameter
 *
 * An option that is 0 does nothing.
 *
 * A NaN in g, w or the state makes every result that is computed from it NaN. Clipping does not remove a NaN.
 *
 * Sources:
 *
 *   momentum  B. T. Polyak, 1964, in the form of PyTorch and of I. Sutskever et al., "On the importance of
 *             initialization and momentum in deep learning", 2013
 *   adagrad   J. Duchi et al., 2011
 *   rmsprop   T. Tieleman, G. Hinton, Coursera lecture 6.5, 2012
 *   adam      D. P. Kingma, J. Ba, 2015
 *   adamw     I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", 2019
 *   lion      X. Chen et al., "Symbolic discovery of optimization algorithms", 2023
 *   rprop     the variant iRprop- of C. Igel, M. Huesken, "Improving the Rprop learning algorithm", 2000, for gradients
 *             of all samples
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
    BP_DECAY_SCOPE_WEIGHTS, /* weights only; not biases, gamma and beta */
} bp_decay_scope;

/** Largest number of state arrays that an optimizer has. */
#define BP_OPTIMIZER_STATES 2

/**
 * An optimizer with its numbers. bp_optimizer_defaults makes one with the defaults of its kind; then change what you
 * like. Zero means zero. All numbers are finite.
 *
 * | number       | kinds              | default | range            |
 * |--------------|--------------------|---------|------------------|
 * | momentum     | momentum, nesterov | 0.9     | 0 to below 1     |
 * | beta1        | adam, adamw, lion  | 0.9     | 0 to below 1     |
 * | beta2        | adam, adamw        | 0.999   | 0 to below 1     |
 * | beta2        | rmsprop, lion      | 0.99    | 0 to below 1     |
 * | epsilon      | adam, adamw        | 1e-8    | 0 or more        |
 * | epsilon      | rmsprop            | 1e-8    | 0 or more        |
 * | epsilon      | adagrad            | 1e-10   | 0 or more        |
 * | shrink       | rprop              | 0.5     | above 0, below 1 |
 * | grow         | rprop              | 1.2     | above 1          |
 * | step_min     | rprop              | 1e-6    | 0 or more        |
 * | step_max     | rprop              | 50      | step_min or more |
 * | weight_decay | all                | 0       | 0 or more        |
 * | clip         | all                | 0       | 0 or more        |
 * | clip_norm    | all                | 0       | 0 or more        |
 * | ema_decay    | all                | 0       | 0 to below 1     |
 *
 * A number that the kind does not have must be 0. For example, sgd with a momentum is an error: use
 * BP_OPTIMIZER_MOMENTUM. With an epsilon of 0, a parameter whose gradients were all 0 becomes NaN (0 / 0).
 */
typedef struct bp_optimizer {
    size_t struct_size; /* sizeof(bp_optimizer), set by bp_optimizer_defaults */
    bp_optimizer_kind kind;
    float momentum;
    float beta1, beta2;
    float epsilon;
    float shrink, grow;
    float step_min, step_max;
    float weight_decay; /* 0: none */
    bool decoupled;     /* decoupled weight decay, otherwise an L2 penalty; default: true for adamw and lion */
    bp_decay_scope decay_scope;
    float clip;      /* largest absolute value of a gradient; 0: no limit */
    float clip_norm; /* largest norm of the whole gradient, in networks only; 0: no limit */
    float ema_decay; /* decay of the EMA; 0: no EMA */
} bp_optimizer;

/**
 * Sets the defaults of a kind, as in the table above, in the first struct_size bytes of a struct. It is for languages
 * that cannot call bp_optimizer_defaults. If optimizer is null, it does nothing.
 */
BP_API void bp_optimizer_init(bp_optimizer *optimizer, size_t struct_size, bp_optimizer_kind kind);

/** The defaults of a kind. */
static inline bp_optimizer bp_optimizer_defaults(bp_optimizer_kind kind) {
    bp_optimizer bp_made;
    bp_optimizer_init(&bp_made, sizeof bp_made, kind);
    return bp_made;
}

/** "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "lion", "rprop"; null for any other value. */
BP_API const char *bp_optimizer_name(bp_optimizer_kind kind);

/** The inverse of bp_optimizer_name. Errors: BP_ERROR_NULL; BP_ERROR_VALUE for an unknown name. On error *kind is
 *  unchanged. */
BP_API bp_status bp_optimizer_from_name(const char *name, bp_optimizer_kind *kind);

/** Number of state arrays of a kind, 0 to BP_OPTIMIZER_STATES; 0 for a value outside the enumeration. */
BP_API size_t bp_optimizer_states(bp_optimizer_kind kind);

/** Content of state array `index` of a kind: "momentum", "squares", "previous_gradient" or "step_size"; null if there
 *  is no such array. */
BP_API const char *bp_optimizer_state_name(bp_optimizer_kind kind, size_t index);

/** Parameters and what their optimizer stores: arrays of one shape. If they have rows, all have the same stride. */
typedef struct bp_parameters {
    float *values;
    float *state[BP_OPTIMIZER_STATES]; /* in the order of the table above; null from bp_optimizer_states on */
    float *ema;                        /* null unless the optimizer has an EMA */
} bp_parameters;

/**
 * One step: updates parameters->values[k] and its state from gradient[k], for k < count, in one pass.
 *
 * `step` is t, counted from 1; only Adam and AdamW use it. All parameters count as weights. For biases without weight
 * decay, pass an optimizer without it. The fused form, bp_dense_gradient_update, distinguishes weights and biases. The
 * arrays must not overlap.
 *
 * | error              | cause                                                                 |
 * |--------------------|-----------------------------------------------------------------------|
 * | BP_ERROR_NULL      | an array that the optimizer needs is null                             |
 * | BP_ERROR_SIZE      | count is 0                                                            |
 * | BP_ERROR_OVERFLOW  | an array does not fit into the address range                          |
 * | BP_ERROR_OVERLAP   | two arrays overlap                                                    |
 * | BP_ERROR_ALIGNMENT | an array is not aligned to float                                      |
 * | BP_ERROR_VALUE     | a number of the optimizer is outside its range, or clip_norm is not 0 |
 * | BP_ERROR_VALUE     | learning_rate is not finite, or step is 0                             |
 *
 * Other errors: those of bp_cpu_active. On error nothing is written.
 */
BP_API bp_status bp_optimizer_step(const bp_parameters *parameters, const float *gradient, size_t count,
                                   const bp_optimizer *optimizer, uint64_t step, float learning_rate);

/**
 * Stochastic gradient descent: parameters[k] = fma(-learning_rate, gradient[k], parameters[k]) for k < count. The
 * fused form is bp_dense_gradient_sgd. The arrays must not overlap.
 *
 * Errors: BP_ERROR_NULL, BP_ERROR_SIZE, BP_ERROR_OVERFLOW, BP_ERROR_OVERLAP, BP_ERROR_ALIGNMENT, and those of
 * bp_cpu_active. On error nothing is written.
 */
BP_API bp_status bp_sgd(float *parameters, const float *gradient, size_t count, float learning_rate);

BP_END_DECLS

#endif
