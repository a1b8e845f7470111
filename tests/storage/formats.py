"""The published safetensors and IDX formats, read and written with nothing but json, struct and numpy."""

import gzip
import json
import struct

import numpy as np

DTYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4",
    "U64": "<u8", "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": "<u2",
}


def no_duplicates(pairs):
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names), "a name occurs twice"
    return dict(pairs)


def read_safetensors(path):
    """The tensors by name, and the metadata."""
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack("<Q", content[:8])
    assert length <= 100_000_000 and content[8:9] == b"{"
    header = json.loads(content[8 : 8 + length].decode("utf-8"), object_pairs_hook=no_duplicates)
    data = content[8 + length :]
    metadata = header.pop("__metadata__", {})
    assert all(isinstance(text, str) for text in metadata.values())
    tensors, end = {}, 0
    for name, tensor in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        assert sorted(tensor) == ["data_offsets", "dtype", "shape"]
        first, last = tensor["data_offsets"]
        assert first == end, "a hole or an overlap"
        assert (8 + length + first) % np.dtype(DTYPES[tensor["dtype"]]).itemsize == 0, "not aligned"
        tensors[name] = np.frombuffer(data[first:last], DTYPES[tensor["dtype"]]).reshape(tensor["shape"])
        end = last
    assert end == len(data)
    return tensors, metadata


def write_safetensors(path, tensors, metadata=None, bf16=(), **json_options):
    """`bf16` names the tensors of 16-bit words that are to be called BF16."""
    header, data = {}, b""
    if metadata is not None:
        header["__metadata__"] = metadata
    names = {np.dtype(code): name for name, code in DTYPES.items() if name != "BF16"}
    for name, tensor in tensors.items():
        content = tensor.tobytes(order="C")
        dtype = "BF16" if name in bf16 else names[tensor.dtype]
        header[name] = {"dtype": dtype, "shape": tensor.shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header, **json_options).encode("utf-8")
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def write_idx(path, array, compress):
    codes = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
    code = codes[array.dtype.str[1:]]
    content = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    content += array.astype(array.dtype.newbyteorder(">")).tobytes()
    with gzip.open(path, "wb") if compress else open(path, "wb") as file:
        file.write(content)
