"""Networks as files: numpy computes the outputs of what the library has saved, and the library those of what numpy has
written, as PyTorch's nn.Sequential would name it; both agree to rounding.

Arguments: the program `networks`, after the emulator where there is one.
"""

import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("SKIPPED: this Python has no numpy (Debian: python3-numpy)", file=sys.stderr)
    sys.exit(77)

from formats import read_safetensors, write_safetensors

program = sys.argv[1:]
random = np.random.default_rng(20260102)

ACTIVATIONS = {
    "identity": lambda z, p: z,
    "relu": lambda z, p: np.maximum(z, 0),
    "leaky-relu": lambda z, p: np.where(z > 0, z, p * z),
    "sigmoid": lambda z, p: 1 / (1 + np.exp(-z)),
    "tanh": lambda z, p: np.tanh(z),
}

NETWORKS = [
    "3,2:identity",
    "4,8:relu,3:identity",
    "4,8:identity,3:tanh,2:sigmoid",
    "5,33:leaky-relu:0.125,17:tanh,3:identity",
    "6,20:relu+norm,20:tanh+drop,20:identity+norm+drop,4:identity",
    "100,64:sigmoid+norm,10:identity",
]


def layers_of(network):
    """(width of the inputs, width, activation, its number, normalized, with dropout) of each layer."""
    parts = network.split(",")
    below = int(parts[0])
    for part in parts[1:]:
        description, *extras = part.split("+")
        width, activation, *number = description.split(":")
        yield below, int(width), activation, float(number[0]) if number else 0.0, "norm" in extras, "drop" in extras
        below = int(width)


def outputs_of(network, tensors, x):
    """nn.Sequential(Linear, LayerNorm if any, activation unless it is the identity, Dropout if any, ...).eval()(x), in
    double precision; every tensor has to be used."""
    x = x.astype("f8")
    used, module = set(), 0

    def parameters():
        used.update({f"{module}.weight", f"{module}.bias"})
        return tensors[f"{module}.weight"].astype("f8"), tensors[f"{module}.bias"].astype("f8")

    for below, width, activation, number, normalized, dropout in layers_of(network):
        weight, bias = parameters()
        assert weight.shape == (width, below) and bias.shape == (width,)
        x = x @ weight.T + bias
        module += 1
        if normalized:
            gain, shift = parameters()
            centered = x - x.mean(axis=1, keepdims=True)
            x = centered / np.sqrt((centered**2).mean(axis=1, keepdims=True) + 1e-5) * gain + shift
            module += 1
        x = ACTIVATIONS[activation](x, number)
        module += activation != "identity"
        module += dropout
    assert used == set(tensors)
    return x


def names(network):
    """The shapes of all tensors by name, as nn.Sequential has them."""
    module = 0
    for below, width, activation, _, normalized, dropout in layers_of(network):
        yield f"{module}.weight", (width, below)
        yield f"{module}.bias", (width,)
        module += 1
        if normalized:
            yield f"{module}.weight", (width,)
            yield f"{module}.bias", (width,)
            module += 1
        module += (activation != "identity") + dropout


def agree(network, got, expected):
    assert got.dtype == np.float32 and got.shape == expected.shape
    error = np.abs(got - expected).max() / np.abs(expected).max()
    print(f"{network}: {error:.1e}")
    assert error < 1e-5, network


def check(network):
    inputs = random.normal(size=(50, int(network.split(",")[0]))).astype("<f4")
    np.save("inputs.npy", inputs)

    subprocess.run([*program, "train", network, "inputs.npy", "theirs"], check=True)
    subprocess.run([*program, "outputs", network, "inputs.npy", "theirs", "outputs.npy"], check=True)
    tensors, metadata = read_safetensors("theirs")
    assert metadata["format"] == "pt"
    assert metadata["backprop.layers"] == "-".join(part.split(":")[0] for part in network.split(","))
    assert all(tensor.dtype == np.float32 for tensor in tensors.values())
    assert {name: tensor.shape for name, tensor in tensors.items()} == dict(names(network))
    agree(network, np.load("outputs.npy"), outputs_of(network, tensors, inputs))

    ours = {name: random.normal(size=shape).astype("<f4") for name, shape in names(network)}
    write_safetensors("ours", ours, {"format": "pt"})
    subprocess.run([*program, "outputs", network, "inputs.npy", "ours", "outputs.npy"], check=True)
    agree(network, np.load("outputs.npy"), outputs_of(network, ours, inputs))


with tempfile.TemporaryDirectory() as folder:
    program[-1] = os.path.abspath(program[-1])
    os.chdir(folder)
    for network in NETWORKS:
        check(network)
    os.chdir("/")
