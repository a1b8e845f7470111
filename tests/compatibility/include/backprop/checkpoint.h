/*
 * Networks in safetensors files: their parameters, for other programs too, and whole states of a training, to go on
 * from.
 *
 * Names and shapes are those of PyTorch's nn.Sequential with the same layers, whose modules are numbered from 0: for
 * each layer a Linear; then, each only where the layer has it, a LayerNorm, its activation (none for the identity), and
 * a Dropout. With m the number of the module, a file has
 *
 *   m.weight  [out x in]  of a Linear: element (j, i) is w_ij, from input i to neuron j
 *   m.bias    [out]
 *   m.weight  [out]       of a LayerNorm: the gain
 *   m.bias    [out]       the shift
 *
 * all F32. A 784-128-10 network with a ReLU has 0.weight, 0.bias, 2.weight and 2.bias, and in Python
 *
 *   model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
 *   model.load_state_dict(safetensors.torch.load_file("digits.safetensors"))
 *
 * (A network that is to load a file needs the same dropout as the one that saved it, or Linears have other numbers.)
 * Files of other PyTorch modules, whose tensors go by other names, are loaded by bp_network_load_with.
 *
 * The metadata are the caller's notes, and
 *
 *   format                pt, as files of PyTorch have it
 *   backprop.version      of the library that wrote the file
 *   backprop.layers       the layers, as in "784-128-10"
 *   backprop.activations  their activations, as in "leaky-relu:0.01,identity": the number only where it is not 0
 *   backprop.loss         the loss, as bp_loss_name has it
 *   backprop.optimizer    the optimizer, as bp_optimizer_name has it
 *   backprop.weight_decay_of  what its weight decay applies to: "all" or "weights"
 */
#ifndef BACKPROP_CHECKPOINT_H
#define BACKPROP_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include <backprop/export.h>
#include <backprop/file.h>
#include <backprop/network.h>
#include <backprop/safetensors.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/**
 * Writes a network's parameters, atomically (file.h), with the caller's notes, which come back from
 * bp_safetensors_metadata; `notes` may be null if there is none. Takes memory for a copy of what it writes.
 *
 * BP_ERROR_NULL, BP_ERROR_VALUE (a key that occurs twice or is one of those above, a text that is not UTF-8),
 * BP_ERROR_MEMORY, BP_ERROR_FILE.
 */
BP_API bp_status bp_network_save(const bp_network *network, const char *path, const bp_metadata *notes, size_t count,
                                 bp_file_error *error);

/**
 * Reads a network's parameters from a file that bp_network_save, bp_checkpoint_save or another program has written.
 * Their elements may be F32, F16, BF16 or F64 (see bp_array for how they become binary32); what a checkpoint has
 * besides is left out, and that of the network stays as it is, but as bp_network_set_parameters has it: gradients are
 * forgotten, and a moving average becomes the parameters. The metadata may be missing; if they are there, the
 * activations must be the network's.
 *
 * DataParallel and torch.compile wrap a module into another one, and so put "module." and "_orig_mod." before names, or
 * into their midst: these count for nothing, alone or nested, unless the file also has the name without them.
 *
 * Everything is checked and read before anything is changed. Takes memory for a copy of what it reads.
 *
 * BP_ERROR_NULL, BP_ERROR_FILE, BP_ERROR_FORMAT, BP_ERROR_MEMORY; BP_ERROR_MISMATCH, with the tensor's name and those
 * that the file has in the message, if one is missing, has another shape or type, or has no place in the network.
 */
BP_API bp_status bp_network_load(bp_network *network, const char *path, bp_file_error *error);

/** What bp_network_load_with tells of a tensor. */
typedef enum bp_load_event {
    BP_LOAD_EVENT_UNEXPECTED = 0, /* the file has it, the network has no tensor it */
    BP_LOAD_EVENT_MISSING,        /* the network has it, the file has not: it stays as it is */
    BP_LOAD_EVENT_ZEROED          /* a bias or shift that the file has not: it became zero */
} bp_load_event;

/**
 * How a file's tensors are found, as for PyTorch's load_state_dict; the defaults are what bp_network_load does. Made by
 * bp_load_options_defaults().
 *
 * A name in `modules` stands for the tensors name.weight and name.bias; an empty one for weight and bias. The network's
 * modules are those with parameters, from the inputs on: for each layer its Linear, then its LayerNorm if it has one.
 */
typedef struct bp_load_options {
    size_t struct_size;         /* set by bp_load_options_defaults */
    const char *const *modules; /* their names in the file; null: the numbers of nn.Sequential, or the pattern */
    size_t module_count;        /* of `modules`: must be the network's */

    /*
     * A name with a '*' for any text, such as "fc*" or "net.*.linear": of the file's modules of such names, in the
     * order of the numbers there (fc2 before fc10), those whose weight is a matrix are the network's Linears, and those
     * whose weight is a vector its LayerNorms, if it has any. They must be as many, and must differ in numbers alone,
     * which tell the order: that of "input" and "output" would be a guess. Null: none.
     */
    const char *pattern;

    bool strict;      /* every tensor must be in the file and in the network; else extra ones are left out, and missing
                         ones stay as the network has them; default true */
    bool zero_biases; /* a bias or shift that is missing beside its weight is zero, as of modules made with bias=False;
                         default false */

    /* Called with each such tensor, after all is loaded; null: not. The name is valid during the call. */
    void (*report)(void *context, bp_load_event note, const char *name);
    void *context;
} bp_load_options;

/** Fills in the defaults of bp_load_options_defaults() for a struct of `struct_size` bytes. Null: nothing is done. */
BP_API void bp_load_options_init(bp_load_options *options, size_t struct_size);

/** Options with the defaults above; what has no default is null or 0. */
static inline bp_load_options bp_load_options_defaults(void) {
    bp_load_options bp_made;
    bp_load_options_init(&bp_made, sizeof bp_made);
    return bp_made;
}

/**
 * Reads a network's parameters from a file whose tensors go by other names than nn.Sequential's, or that has more or
 * fewer of them. For
 *
 *   class Net(nn.Module):
 *       def __init__(self):
 *           super().__init__()
 *           self.fc1, self.fc2 = nn.Linear(784, 128), nn.Linear(128, 10, bias=False)
 *
 *   safetensors.torch.save_file(net.state_dict(), "net.safetensors")
 *
 * it is
 *
 *   const char *const modules[] = {"fc1", "fc2"};
 *   bp_load_options options = bp_load_options_defaults();
 *   options.modules = modules;
 *   options.module_count = 2;
 *   options.zero_biases = true;
 *   status = bp_network_load_with(network, "net.safetensors", &options, &error);
 *
 * or options.pattern = "fc*" in place of the modules; and the pattern "*" for an nn.Sequential whose Linears have other
 * numbers because of an nn.Flatten before them. A file of the nn.Sequential in checkpoint.h's first lines needs no
 * options.
 *
 * Errors as bp_network_load, and BP_ERROR_SIZE (module_count), BP_ERROR_VALUE (two equal modules, a pattern without or
 * with two '*', both modules and a pattern, struct_size), BP_ERROR_MISMATCH (what the pattern finds; if not strict, a
 * file none of whose tensors has a place). Null `options` are the defaults.
 */
BP_API bp_status bp_network_load_with(bp_network *network, const char *path, const bp_load_options *options,
                                      bp_file_error *error);

/**
 * Writes the whole state of a training: what bp_network_save writes, and
 *
 *   training.steps  U64, one number: bp_network_steps
 *   training.seed   U64, one number: bp_network_seed
 *   training.<state>.<name>  the optimizer's state for each parameter: <state> is its bp_network_state_name, <name> and
 *                            shape are the parameter's, as in training.momentum.0.weight
 *
 * What lies outside of the network, such as the epoch and the seed of shuffles, goes into notes. No part of it are
 * which layers are frozen, and gradients that are being accumulated. Errors as bp_network_save, and BP_ERROR_VALUE
 * while a moving average is swapped in.
 */
BP_API bp_status bp_checkpoint_save(const bp_network *network, const char *path, const bp_metadata *notes, size_t count,
                                    bp_file_error *error);

/**
 * Sets a network to the state that bp_checkpoint_save has written, whatever it was before: gradients are forgotten, and
 * an average that is swapped in is put back (the table in update.h). If its optimizer has the same numbers, it then
 * takes the same steps by the same batches and rates, to the last bit, on any machine. Everything is checked and read
 * before anything is changed; all tensors must be of the type that was written, and the optimizer of the same kind and
 * the same bp_decay_scope (files that say nothing of that are taken as they are). Errors as bp_network_load.
 */
BP_API bp_status bp_checkpoint_load(bp_network *network, const char *path, bp_file_error *error);

BP_END_DECLS

#endif
