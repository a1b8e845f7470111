/*
 * Networks in safetensors files: parameters, which other programs can read, and checkpoints to resume a training from.
 *
 * Names and shapes are those of PyTorch's nn.Sequential with the same layers. Its modules are numbered from 0: for each
 * layer a Linear, then a LayerNorm, an activation (none for the identity) and a Dropout, if the layer has them. The
 * tensors of module m are all F32:
 *
 * | name     | shape      | content                                                          |
 * |----------|------------|------------------------------------------------------------------|
 * | m.weight | [out x in] | weight of a Linear: element (j, i) is w_ij, from input i to neuron j |
 * | m.bias   | [out]      | its bias                                                         |
 * | m.weight | [out]      | gamma of a LayerNorm                                             |
 * | m.bias   | [out]      | its beta                                                         |
 *
 * A 784-128-10 network with a ReLU has 0.weight, 0.bias, 2.weight and 2.bias, and in Python
 *
 *   model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
 *   model.load_state_dict(safetensors.torch.load_file("digits.safetensors"))
 *
 * reads them. A network that loads the file needs dropout in the same layers: otherwise the modules have other numbers.
 * bp_network_load_with loads files with other names.
 *
 * The metadata are the caller's notes, and:
 *
 *   format                pt, as files of PyTorch have it
 *   backprop.version      the version of the library that wrote the file
 *   backprop.layers       the layers, as in "784-128-10"
 *   backprop.activations  the activations, as in "leaky-relu:0.01,identity"; a parameter of 0 is omitted
 *   backprop.loss         the loss: bp_loss_name
 *   backprop.optimizer    the optimizer: bp_optimizer_name
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
 * Writes a network's parameters atomically (file.h), and the caller's notes as metadata; bp_safetensors_metadata reads
 * the notes. `notes` may be null if `count` is 0. The call allocates a copy of the parameters.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_VALUE for a key that occurs twice or is one of those above, and for a text that is
 * not UTF-8; BP_ERROR_MEMORY; BP_ERROR_FILE.
 */
BP_API bp_status bp_network_save(const bp_network *network, const char *path, const bp_metadata *notes, size_t count,
                                 bp_file_error *error);

/**
 * Reads a network's parameters from a file that bp_network_save, bp_checkpoint_save or another program has written.
 *
 *   - Elements may be F32, F16, BF16 or F64; bp_array has the conversions.
 *   - A checkpoint's other tensors are ignored. The network's optimizer state does not change. Gradients are discarded,
 *     and the EMA becomes equal to the parameters.
 *   - Metadata may be missing. If the file has them, its activations must be the network's.
 *   - The prefixes "module." and "_orig_mod.", which DataParallel and torch.compile add to names, are ignored wherever
 *     they occur, unless the file also has the name without them.
 *
 * The network changes only after everything was read and checked. The call allocates a copy of what it reads.
 *
 * Errors: BP_ERROR_NULL, BP_ERROR_FILE, BP_ERROR_FORMAT, BP_ERROR_MEMORY; BP_ERROR_MISMATCH if a tensor is missing, has
 * another shape or type, or does not belong to the network. The message then names it and lists the file's tensors.
 */
BP_API bp_status bp_network_load(bp_network *network, const char *path, bp_file_error *error);

/** What bp_network_load_with tells of a tensor. */
typedef enum bp_load_event {
    BP_LOAD_EVENT_UNEXPECTED = 0, /* the file has it, the network has no place for it */
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
 * Writes a checkpoint: the complete state of a training. It has the tensors of bp_network_save, and:
 *
 * | name                    | content                                                                             |
 * |-------------------------|-------------------------------------------------------------------------------------|
 * | training.steps          | bp_network_steps, one U64                                                           |
 * | training.seed           | bp_network_seed, one U64                                                            |
 * | training.<state>.<name> | optimizer state and EMA of each parameter, such as training.momentum.0.weight       |
 *
 * Save what lies outside of the network, such as the epoch and the seed of the shuffles, as notes. Not saved: frozen
 * layers, accumulated gradients.
 *
 * Errors: those of bp_network_save; BP_ERROR_VALUE while the EMA is swapped in.
 */
BP_API bp_status bp_checkpoint_save(const bp_network *network, const char *path, const bp_metadata *notes, size_t count,
                                    bp_file_error *error);

/**
 * Restores the state that bp_checkpoint_save has written, whatever the network's state was: gradients are discarded,
 * and a swapped-in EMA is swapped back (table in update.h). With the same optimizer settings, batches and learning
 * rates, the network then takes the same steps, to the last bit, on any machine.
 *
 * The network changes only after everything was read and checked. All tensors must have the type that was written. The
 * optimizer's kind and bp_decay_scope must be the same (files without a scope are accepted).
 *
 * Errors: those of bp_network_load.
 */
BP_API bp_status bp_checkpoint_load(bp_network *network, const char *path, bp_file_error *error);

BP_END_DECLS

#endif
