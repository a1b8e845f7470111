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


def raw_safetensors(header, data=b""):
    return len(header).to_bytes(8, "little") + header + data


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
    keep("csv", "savetxt", b"# a b\n1.000000000000000000e+00 -2.500000000000000000e-01\n"
         b"  16777217   1700000060.1\t\n# end\n")
    keep("csv", "blanks", b"39, State-gov, >50K,\n50, ?, <=50K, \n 12 ,\" a \" ,x,# note\n")
    keep("csv", "utf16", "1,2\n".encode("utf-16"))


def make_safetensors():
    tensors = {"0.weight": numbers("<f4", 2, 3), "0.bias": numbers("<f2", 3), "t": numbers("<u8", 1),
               "n": numbers("?", 4), "empty": numbers("<f8", 0, 4), "one": np.array(-3, "<i4"), "b": numbers("<u2", 3)}
    keep("safetensors", "types", safetensors(tensors, {"format": "pt", "k": 'a\\b"\n'}, bf16=("b",)))
    keep("safetensors", "escapes", safetensors({"\u00e9\U0001f600\t": numbers("u1", 2)}, {"": "\u20ac/"}))
    keep("safetensors", "utf8", safetensors({"\u00e9\U0001f600": numbers("i1", 2, 1)}, ensure_ascii=False))
    keep("safetensors", "none", safetensors({}, {}))
    keep("safetensors", "axes", safetensors({"a": numbers("<i2", 2, 1, 3, 1, 2, 1, 1, 2)}, indent=1))
    one = b'"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]'
    keep("safetensors", "null_metadata", raw_safetensors(b'{"__metadata__":null,' + one + b"}}", b"\1"))
    keep("safetensors", "members", raw_safetensors(
        b"{" + one + b',"x":{"a":[1,-0.5e+7,{"d":[true,false,null,"\\u00e9]"]}],"b":{}},"y":[]}}', b"\1"))
    keep("safetensors", "unknown_types", raw_safetensors(
        b'{"a":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"F4","shape":[2,3],"data_offsets":[3,6]},'
        b'"c":{"dtype":"F32","shape":[1],"data_offsets":[6,10]}}', bytes(10)))
    keep("safetensors", "ten_axes", raw_safetensors(
        b'{"a":{"dtype":"U8","shape":[1,2,1,1,1,1,3,1,1,1],"data_offsets":[0,6]}}', bytes(6)))
    keep("safetensors", "zip", b"PK\3\4\0\0\x08\x08" + bytes(20) + b"archive/data.pkl")
    keep("safetensors", "pickle", b"\x80\2\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\2M\xe9\3.")
    keep("safetensors", "lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")


def parameters(last, norm):
    """Of a 2-3-2 network whose last layer is module `last`."""
    tensors = {"0.weight": numbers("<f4", 3, 2), "0.bias": numbers("<f4", 3)}
    if norm:
        tensors |= {"1.weight": numbers("<f4", 3), "1.bias": numbers("<f4", 3)}
    return tensors | {f"{last}.weight": numbers("<f4", 2, 3), f"{last}.bias": numbers("<f4", 2)}


def make_checkpoint():
    """The networks of fuzz_checkpoint.c."""
    kinds = {"sgd": (2, False, []), "adam": (2, False, ["momentum", "squares", "ema"]),
             "momentum": (4, True, ["momentum"]), "rprop": (3, True, ["previous_gradient", "step_size"])}
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
    plain = parameters(2, False)
    wrapped = {"_orig_mod.module." + name: tensor for name, tensor in plain.items()}
    named = {{"0": "fc1", "2": "fc2"}[name[0]] + name[1:]: tensor for name, tensor in plain.items()}
    keep("checkpoint", "wrapped", safetensors(wrapped))
    keep("checkpoint", "named", safetensors(named | {"bn.running_mean": numbers("<f4", 3)}))
    keep("checkpoint", "no_bias", safetensors({"m.0.weight": plain["0.weight"], "m.9.weight": plain["2.weight"]}))
    keep("checkpoint", "no_order", safetensors({"in.weight": plain["0.weight"], "out.weight": plain["2.weight"]}))


if __name__ == "__main__":
    make_npy()
    make_npz()
    make_idx()
    make_csv()
    make_safetensors()
    make_checkpoint()
