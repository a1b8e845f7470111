"""Makes the first inputs of the fuzzers of file readers, in the folders of corpus/: python3 -B tests/fuzz/seeds.py"""

import gzip
import io
import pathlib
import sys
import zipfile

import numpy as np

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parent / "storage"))
import formats  # noqa: E402


def keep(fuzzer, name, content):
    folder = HERE / "corpus" / fuzzer
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def npy(array, version=None):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    return file.getvalue()


def idx(code, array):
    shape = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, code, array.ndim]) + shape + array.tobytes()


def safetensors(tensors, metadata=None, **options):
    path = HERE / "corpus" / "seed"
    formats.write_safetensors(path, tensors, metadata, **options)
    content = path.read_bytes()
    path.unlink()
    return content


def numbers(dtype, *shape):
    return (np.arange(np.prod(shape, dtype=int)) * 7 % 100).astype(dtype).reshape(shape)


def make_npy():
    for dtype in ["?", "i1", "<u2", ">i4", "<i8", "<f2", "<f4", ">f8"]:
        keep("npy", "type_" + np.dtype(dtype).name + ("_big" if dtype[0] == ">" else ""), npy(numbers(dtype, 2, 3)))
    keep("npy", "fortran", npy(np.asfortranarray(numbers("<f4", 2, 3, 2)), (2, 0)))
    keep("npy", "one_number", npy(np.array(2.5, "<f4"), (3, 0)))
    keep("npy", "empty", npy(np.zeros((0, 3), "<f4")))
    keep("npy", "complex", npy(np.zeros(2, "<c8")))


def make_npz():
    arrays = {"x": numbers("<f4", 3, 4), "y": numbers("u1", 5), "f": np.asfortranarray(numbers("<f8", 2, 3))}
    for name, method in ("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED), ("bzip2", zipfile.ZIP_BZIP2):
        for large in False, True:
            file = io.BytesIO()
            with zipfile.ZipFile(file, "w", method) as archive:
                for key, array in arrays.items():
                    info = zipfile.ZipInfo(key + ".npy")
                    info.compress_type = method
                    with archive.open(info, "w", force_zip64=large) as member:
                        np.lib.format.write_array(member, array)
            keep("npz", name + ("_zip64" if large else ""), file.getvalue())
    file = io.BytesIO()
    np.savez_compressed(file, zeros=np.zeros(200000, "u1"))
    keep("npz", "zeros", file.getvalue())
    keep("npz", "none", b"PK\5\6" + bytes(18))


def make_idx():
    for code, dtype in [(8, "u1"), (9, "i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")]:
        keep("idx", f"type_{code:02x}", idx(code, numbers(dtype, 3, 2)))
    keep("idx", "images.gz", gzip.compress(idx(8, numbers("u1", 4, 5, 5)), mtime=0))
    keep("idx", "two_members.gz", gzip.compress(idx(8, numbers("u1", 9))[:5], mtime=0) +
         gzip.compress(idx(8, numbers("u1", 9))[5:], mtime=0))
    keep("idx", "empty", idx(8, numbers("u1", 0, 3)))


def make_csv():
    keep("csv", "quotes", b'name,"x, y",z\r\n1,2.5,-3e-2\n"a ""b""\n","4",\r\n\n5,inf, 0.1\n')
    keep("csv", "missing", b"\xef\xbb\xbfa;b;c\n1;;NA\n2;3;\n4;5.5e-40;1e39\n")
    keep("csv", "tabs", b"1\t?\tnan\n-.5\t0.1\t+2.\n1e-45\t7\t16777217")
    keep("csv", "classes", b"x,kind\n0.1,cat\n0.2,dog\n0.3,cat\n0.4,\"\"\n")


def make_safetensors():
    tensors = {"0.weight": numbers("<f4", 2, 3), "0.bias": numbers("<f2", 3), "t": numbers("<u8", 1),
               "n": numbers("?", 4), "empty": numbers("<f8", 0, 4), "one": np.array(-3, "<i4"), "b": numbers("<u2", 3)}
    keep("safetensors", "types", safetensors(tensors, {"format": "pt", "k": 'a\\b"\n'}, bf16=("b",)))
    keep("safetensors", "escapes", safetensors({"\u00e9\U0001f600\t": numbers("u1", 2)}, {"": "\u20ac/"}))
    keep("safetensors", "utf8", safetensors({"\u00e9\U0001f600": numbers("i1", 2, 1)}, ensure_ascii=False))
    keep("safetensors", "none", safetensors({}, {}))
    keep("safetensors", "axes", safetensors({"a": numbers("<i2", 2, 1, 3, 1, 2, 1, 1, 2)}, indent=1))


def parameters(last, norm):
    """Of a 2-3-2 network whose last layer is module `last`."""
    tensors = {"0.weight": numbers("<f4", 3, 2), "0.bias": numbers("<f4", 3)}
    if norm:
        tensors |= {"1.weight": numbers("<f4", 3), "1.bias": numbers("<f4", 3)}
    return tensors | {f"{last}.weight": numbers("<f4", 2, 3), f"{last}.bias": numbers("<f4", 2)}


def make_checkpoint():
    """The networks of fuzz_checkpoint.c."""
    kinds = {"sgd": (2, False, []), "adam": (2, False, ["momentum", "squares", "average"]),
             "momentum": (4, True, ["momentum"]), "rprop": (3, True, ["gradient", "step_size"])}
    for optimizer, (last, norm, states) in kinds.items():
        tensors = parameters(last, norm)
        training = {f"training.{state}.{name}": tensor for state in states for name, tensor in tensors.items()}
        training |= {"training.steps": np.array(3, "<u8"), "training.seed": np.array(4, "<u8")}
        about = {"format": "pt", "backprop.version": "0.1.0", "backprop.layers": "2-3-2",
                 "backprop.activations": "leaky-relu:0.25,identity", "backprop.loss": "mse",
                 "backprop.optimizer": optimizer}
        keep("checkpoint", optimizer, safetensors(tensors | training, about))
    halves = {name: tensor.astype("<f2") for name, tensor in parameters(2, False).items()}
    keep("checkpoint", "halves", safetensors(halves))


if __name__ == "__main__":
    make_npy()
    make_npz()
    make_idx()
    make_csv()
    make_safetensors()
    make_checkpoint()
