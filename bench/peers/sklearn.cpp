/*
 * scikit-learn's MLPRegressor and MLPClassifier by their partial_fit, one batch a call, in a Python interpreter of this
 * process. Inputs and targets are NumPy arrays on the caller's memory, made for each step, which costs a microsecond.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h> // first, as it asks

#include <cstdlib>
#include <dlfcn.h>

#include "peer.h"

namespace {

const char *const source = R"(
import numpy
from sklearn.neural_network import MLPClassifier, MLPRegressor


def array(memory, *shape, dtype=numpy.float32):
    return numpy.frombuffer(memory, dtype).reshape(shape)


class Trainer:
    def __init__(self, sizes, batch, activation, classifies, adam):
        make = MLPClassifier if classifies else MLPRegressor
        self.sizes, self.batch, self.adam = sizes, batch, adam  # adam: beta1, beta2 and epsilon, or nothing
        self.net = make(sizes[1:-1], activation=activation, solver="adam" if adam else "sgd", alpha=0, momentum=0,
                        nesterovs_momentum=False, batch_size=batch, shuffle=False)
        # The first call makes the parameters; what its step does to them and to the optimizer is undone.
        inputs = numpy.zeros((batch, sizes[0]), numpy.float32)
        if classifies:
            self.targets = lambda memory: array(memory, batch, dtype=numpy.uint32)
            self.net.partial_fit(inputs, numpy.zeros(batch, numpy.uint32), numpy.arange(sizes[-1]))
        else:
            shape = (batch, sizes[-1]) if sizes[-1] > 1 else (batch,)
            self.targets = lambda memory: array(memory, *shape)
            self.net.partial_fit(inputs, numpy.zeros(shape, numpy.float32))
        self.optimizer = self.net._optimizer
        if adam:
            self.optimizer.__init__(self.net.coefs_ + self.net.intercepts_, 1, *adam)

    def set(self, layer, weights, biases):
        self.net.coefs_[layer][:] = array(weights, *self.sizes[layer:layer + 2])
        self.net.intercepts_[layer][:] = array(biases, self.sizes[layer + 1])

    def get(self, layer, weights, biases):
        array(weights, *self.sizes[layer:layer + 2])[:] = self.net.coefs_[layer]
        array(biases, self.sizes[layer + 1])[:] = self.net.intercepts_[layer]

    def step(self, inputs, targets, rate):
        self.optimizer.learning_rate = self.optimizer.learning_rate_init = rate
        if self.adam:  # its epsilon is added before the correction of the root
            _, beta2, epsilon = self.adam
            self.optimizer.epsilon = epsilon * (1 - beta2 ** (self.optimizer.t + 1)) ** 0.5
        self.net.partial_fit(array(inputs, self.batch, self.sizes[0]), self.targets(targets))
)";

/** Ends the process if a call of Python's failed: it has said why. */
PyObject *must(PyObject *result) {
    if (result)
        return result;
    PyErr_Print();
    abort();
}

struct Trainer {
    PyObject *own;
    peer_net net;
};

PyObject *memory(const void *values, size_t bytes, bool writable) {
    return must(PyMemoryView_FromMemory(static_cast<char *>(const_cast<void *>(values)), // only read, unless writable
                                        static_cast<Py_ssize_t>(bytes), writable ? PyBUF_WRITE : PyBUF_READ));
}

const char *activation(bp_activation_kind kind) {
    switch (kind) {
    case BP_ACTIVATION_IDENTITY:
        return "identity";
    case BP_ACTIVATION_RELU:
        return "relu";
    case BP_ACTIVATION_SIGMOID:
        return "logistic";
    case BP_ACTIVATION_TANH:
        return "tanh";
    default:
        return nullptr;
    }
}

const char *version() {
    return SKLEARN_VERSION;
}

const char *refusal(const peer_net *net, size_t) {
    if (!activation(net->hidden.kind))
        return "it has no leaky ReLU";
    return net->loss != BP_LOSS_MSE && net->sizes[net->layers] < 3 ? "it has a single output for two classes" : nullptr;
}

/** Calls set or get for each layer. */
void each_layer(const Trainer &trainer, const char *method, const peer_layer *layers) {
    for (size_t l = 0; l < trainer.net.layers; l++) {
        const size_t in = trainer.net.sizes[l], out = trainer.net.sizes[l + 1];
        Py_DECREF(must(PyObject_CallMethod(trainer.own, method, "nNN", static_cast<Py_ssize_t>(l),
                                           memory(layers[l].weights, in * out * sizeof(float), true),
                                           memory(layers[l].biases, out * sizeof(float), true))));
    }
}

/** The module's functions, with Python started. NumPy's own modules need Python's symbols from all of the process. */
PyObject *functions() {
    Dl_info python;
    if (!dladdr(reinterpret_cast<void *>(&Py_InitializeEx), &python) ||
        !dlopen(python.dli_fname, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD))
        return nullptr;
    Py_InitializeEx(0);
    PyObject *names = must(PyDict_New());
    PyObject *done = PyRun_String(source, Py_file_input, names, names);
    if (!done) { // its package has gone since this was built
        PyErr_Print();
        return nullptr;
    }
    Py_DECREF(done);
    return names;
}

void *create(const peer_net *net, const peer_layer *initial, size_t) {
    static PyObject *const names = functions();
    if (!names)
        return nullptr;
    PyObject *sizes = must(PyTuple_New(static_cast<Py_ssize_t>(net->layers + 1)));
    for (size_t l = 0; l <= net->layers; l++)
        PyTuple_SET_ITEM(sizes, static_cast<Py_ssize_t>(l), must(PyLong_FromSize_t(net->sizes[l])));
    const bp_optimizer &o = net->optimizer;
    PyObject *adam = must(o.kind == BP_OPTIMIZER_ADAM
                              ? Py_BuildValue("(ddd)", double(o.beta1), double(o.beta2), static_cast<double>(o.epsilon))
                              : PyTuple_New(0));
    PyObject *own = must(PyObject_CallFunction(PyDict_GetItemString(names, "Trainer"), "NnsON", sizes,
                                               static_cast<Py_ssize_t>(net->batch), activation(net->hidden.kind),
                                               net->loss == BP_LOSS_MSE ? Py_False : Py_True, adam));
    auto *trainer = new Trainer{own, *net};
    each_layer(*trainer, "set", initial);
    return trainer;
}

void step(void *handle, const peer_batch *batch, float rate) {
    const auto &trainer = *static_cast<Trainer *>(handle);
    const size_t rows = trainer.net.batch, in = trainer.net.sizes[0], out = trainer.net.sizes[trainer.net.layers];
    PyObject *targets = batch->labels ? memory(batch->labels, rows * sizeof *batch->labels, false)
                                      : memory(batch->targets, rows * out * sizeof(float), false);
    Py_DECREF(must(PyObject_CallMethod(
        trainer.own, "step", "NNd", memory(batch->inputs, rows * in * sizeof(float), false), targets, double(rate))));
}

void parameters(void *handle, const peer_layer *layers) {
    each_layer(*static_cast<Trainer *>(handle), "get", layers);
}

void destroy(void *handle) {
    auto *trainer = static_cast<Trainer *>(handle);
    Py_DECREF(trainer->own);
    delete trainer;
}

const peer sklearn = {"sklearn", PEER_AS_USED, version, refusal, create, step, parameters, destroy};

} // namespace

extern "C" const peer *const peer_list[] = {&sklearn, nullptr};
