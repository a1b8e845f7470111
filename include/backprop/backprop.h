/*
 * backprop: training of dense neural networks on the CPU, with the same bits on every machine. This header includes all
 * others:
 *
 * | part     | content                                    | headers                                       |
 * |----------|--------------------------------------------|-----------------------------------------------|
 * | kernels  | stateless functions on the caller's arrays | dense.h, activation.h, loss.h, optimizer.h    |
 * | networks | whole training steps, made of kernels      | network.h                                     |
 * | training | data, epochs, metrics, inspection          | data.h, fit.h, metrics.h, inspect.h, tensor.h |
 * | files    | data sets and networks                     | file.h, checkpoint.h                          |
 */
#ifndef BACKPROP_BACKPROP_H
#define BACKPROP_BACKPROP_H

#include <backprop/activation.h>
#include <backprop/backward.h>
#include <backprop/checkpoint.h>
#include <backprop/copy.h>
#include <backprop/cpu.h>
#include <backprop/csv.h>
#include <backprop/data.h>
#include <backprop/dense.h>
#include <backprop/dropout.h>
#include <backprop/file.h>
#include <backprop/fit.h>
#include <backprop/idx.h>
#include <backprop/impute.h>
#include <backprop/inference.h>
#include <backprop/initializer.h>
#include <backprop/inspect.h>
#include <backprop/kernels.h>
#include <backprop/layer_norm.h>
#include <backprop/loss.h>
#include <backprop/metrics.h>
#include <backprop/network.h>
#include <backprop/npy.h>
#include <backprop/npz.h>
#include <backprop/optimizer.h>
#include <backprop/random.h>
#include <backprop/safetensors.h>
#include <backprop/schedule.h>
#include <backprop/status.h>
#include <backprop/tensor.h>
#include <backprop/thread_pool.h>
#include <backprop/update.h>
#include <backprop/version.h>

#endif
