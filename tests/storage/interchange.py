"""What Python writes, the library reads; what the library writes, Python reads, both to the last bit.

Arguments: the program `interchange`, after the emulator where there is one.
"""

import csv
import io
import itertools
import os
import subprocess
import sys
import tempfile
import zipfile

try:
    import numpy as np
except ImportError:
    print("SKIPPED: this Python has no numpy (Debian: python3-numpy)", file=sys.stderr)
    sys.exit(77)

from formats import read_safetensors, write_idx, write_safetensors

program = sys.argv[1:]
random = np.random.default_rng(20260101)
checks = 0


def convert(kind, path, out):
    subprocess.run([*program, kind, path, out], check=True)


def same(got, expected, what):
    """Equal types, shapes and bits, but for the bits of NaNs."""
    global checks
    checks += 1
    assert got.dtype == expected.dtype and got.shape == expected.shape, (what, got.dtype, got.shape)
    if got.dtype.kind == "f":
        assert (np.isnan(got) == np.isnan(expected)).all(), what
        got, expected = np.nan_to_num(got, nan=1.0, posinf=None), np.nan_to_num(expected, nan=1.0, posinf=None)
    assert got.tobytes() == expected.tobytes(), what


def as_floats(array):
    with np.errstate(over="ignore", invalid="ignore"):
        return array.astype("<f4")


def array_of(dtype, shape):
    """Random bits, so that every value of the type can come up."""
    dtype = np.dtype(dtype)
    count = int(np.prod(shape))
    content = random.bytes(count * dtype.itemsize)
    if dtype.kind == "b":
        content = bytes(byte & 1 for byte in content)
    return np.frombuffer(content, dtype).reshape(shape)


SHAPES = [(), (1,), (7,), (0,), (3, 4), (5, 0, 2), (2, 3, 4), (2, 1, 3, 1, 2, 1, 2, 1), (40, 50)]
TYPES = ["?", "u1", "i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8"]


def safetensors():
    tensors = {f"{dtype} {shape}": array_of(dtype, shape) for dtype in TYPES[::-1] for shape in SHAPES}
    tensors['0.weight "\\\n\u20ac\U0001f600'] = array_of("<f4", (4, 6))
    metadata = {"format": "pt", "": "\x01\x7f\u00e9", "quotes": '"\\/\b\f\n\r\t', "\U0001f600": "\u4e2d"}
    for options in {"ensure_ascii": True}, {"ensure_ascii": False}, {"indent": 2}, {"separators": (",", ":")}:
        write_safetensors("in", tensors, metadata, **options)
        convert("safetensors", "in", "out")
        got, got_metadata = read_safetensors("out")
        assert got_metadata == metadata and list(got_metadata) == list(metadata)
        assert sorted(got) == sorted(tensors)
        for name, tensor in tensors.items():
            same(got[name], tensor, name)
    convert("floats", "in", "out")
    got, _ = read_safetensors("out")
    for name, tensor in tensors.items():
        same(got[name], as_floats(tensor), name)

    words = array_of("<u2", (300, 7))
    write_safetensors("in", {"brain": words}, bf16=["brain"])
    convert("floats", "in", "out")
    same(read_safetensors("out")[0]["brain"], (words.astype("<u4") << 16).view("<f4"), "BF16")
    halves = np.arange(65536, dtype="<u2").view("<f2")
    write_safetensors("in", {"half": halves})
    convert("floats", "in", "out")
    same(read_safetensors("out")[0]["half"], halves.astype("<f4"), "F16")
    write_safetensors("in", {})
    convert("safetensors", "in", "out")
    assert read_safetensors("out") == ({}, {})


def npy():
    versions = itertools.cycle([(1, 0), (2, 0), (3, 0)])
    for dtype in [*TYPES, ">u2", ">i4", ">i8", ">f2", ">f4", ">f8"]:
        for shape in SHAPES:
            for order in "CF":
                array = np.array(array_of(dtype, shape), order=order)
                with open("in", "wb") as file:
                    np.lib.format.write_array(file, array, next(versions))
                convert("npy", "in", "out")
                same(np.load("out"), as_floats(array), (dtype, shape, order))
    floats = array_of("<f4", (31, 17))
    np.save("in.npy", floats)
    convert("npy", "in.npy", "out")
    assert open("in.npy", "rb").read() == open("out", "rb").read()


def same_archives(got, expected, method):
    """The archive `got` has these arrays in this order, and the checks of Python's zipfile find nothing wrong."""
    with zipfile.ZipFile(got) as archive:
        assert archive.testzip() is None
        assert all(info.compress_type == method for info in archive.infolist())
    with np.load(got) as arrays:
        assert arrays.files == list(expected)
        for name, array in expected.items():
            same(arrays[name], array, name)


def npz():
    arrays = {f"{dtype} {shape} {order}": np.array(array_of(dtype, shape), order=order)
              for dtype in [*TYPES, ">i2", ">f4", ">f8"] for shape in SHAPES for order in "CF"}
    arrays |= {"../x": array_of("<f4", (3,)), "\u00e9\u4e2d": array_of("u1", (2, 2)), "": array_of("<i2", (5,)),
               "large": array_of("<f4", (700, 300)), "zeros": np.zeros((1000, 900))}
    floats = {name: as_floats(array) for name, array in arrays.items()}
    np.savez("stored.npz", **arrays)
    np.savez_compressed("deflated.npz", **arrays)
    # As numpy writes where it cannot go back: sizes follow the members.
    with open("stream.npz", "wb") as file, zipfile.ZipFile(Forward(file), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(name + ".npy", "w") as member:
                np.lib.format.write_array(member, array)
    for path in "stored.npz", "deflated.npz", "stream.npz":
        convert("npz", path, "out")
        same_archives("out", floats, zipfile.ZIP_STORED)
        convert("npz_deflated", "out", "again")
        same_archives("again", floats, zipfile.ZIP_DEFLATED)
        convert("npz", "again", "back")
        assert open("back", "rb").read() == open("out", "rb").read()

    # More members than 16 bits can count.
    one = io.BytesIO()
    np.save(one, np.array([7], "u1"))
    with zipfile.ZipFile("many.npz", "w") as archive:
        for k in range(65536):
            archive.writestr(f"{k}.npy", one.getvalue())
    convert("npz", "many.npz", "out")
    with np.load("out") as got:
        assert len(got.files) == 65536 and got["65535"] == 7
    np.savez("none.npz")
    convert("npz", "none.npz", "out")
    assert open("none.npz", "rb").read() == open("out", "rb").read()

    tensors = {f"{dtype} {shape}": array_of(dtype, shape) for dtype in TYPES for shape in SHAPES}
    write_safetensors("in", tensors)
    convert("npz_bytes", "in", "out")
    with np.load("out") as got:
        assert sorted(got.files) == sorted(tensors)
        for name, tensor in tensors.items():
            same(got[name], tensor.reshape(tensor.shape[::-1]).T if tensor.ndim == 2 else tensor, name)


class Forward:
    """A file that cannot be read or wound back."""

    def __init__(self, file):
        self.write, self.flush = file.write, file.flush


def shifted():
    """numpy computes (x - offset) * factor in binary64 too, and casts 64-bit integers the same way."""
    times = 1_700_000_000.0 + 0.25 * np.arange(3000).reshape(30, 100)
    arrays = {"times": times, "fortran": np.asfortranarray(times), "integers": times.astype("<i8") + 2**60,
              "unsigned": np.array([2**64 - 1, 2**53 + 1, 3], "<u8"), "one": np.array(1700000060.5)}
    arrays |= {f"{dtype} {shape}": np.array(array_of(dtype, shape), order="F") for dtype in TYPES for shape in SHAPES}
    np.savez_compressed("in.npz", **arrays)
    convert("shifted_npz", "in.npz", "out")
    with np.load("out") as got, np.errstate(all="ignore"):
        for name, array in arrays.items():
            first = array.astype("<f8").reshape(-1)[:1] if array.size else np.zeros(1)
            first[~np.isfinite(first)] = 0
            expected = ((array.astype("<f8") - first) * 0.5).astype("<f4").reshape(array.shape)
            same(got[name], expected, name)
            np.save("in.npy", array)
            convert("shifted", "in.npy", "one")
            same(np.load("one"), expected, name)


def idx():
    for dtype in "u1", "i1", "i2", "i4", "f4", "f8":
        for shape in (9,), (4, 0), (10, 5, 3), (2,) * 8:
            for compress in False, True:
                array = array_of(dtype, shape)
                write_idx("in", array, compress)
                convert("idx", "in", "out")
                same(np.load("out"), as_floats(array), (dtype, shape))


def tables():
    """float() and numpy round a text to binary64 and then to binary32; numbers that that would round twice are left
    out."""
    exact = array_of("<f4", (400, 5))
    texts = [[repr(float(value)) for value in row] for row in exact]
    short = random.normal(size=(100, 5))
    texts += [[f"{value:.6g}" for value in row] for row in short]
    expected = np.vstack([exact, short.round(12)]).astype("<f4")
    expected[400:] = np.array([[float(text) for text in row] for row in texts[400:]]).astype("<f4")
    for end in "\r\n", "\n":
        for quoting in csv.QUOTE_MINIMAL, csv.QUOTE_ALL:
            with open("in", "w", newline="") as file:
                writer = csv.writer(file, quoting=quoting, lineterminator=end)
                writer.writerow(["a", "b, c", 'd "e"', "f\ng", ""])
                writer.writerows(texts)
            convert("csv", "in", "out")
            same(np.load("out"), expected, (end, quoting))


with tempfile.TemporaryDirectory() as folder:
    program[-1] = os.path.abspath(program[-1])
    os.chdir(folder)
    safetensors()
    npy()
    npz()
    shifted()
    idx()
    tables()
    os.chdir("/")
print(f"{checks} arrays agree")
assert checks > 2500
