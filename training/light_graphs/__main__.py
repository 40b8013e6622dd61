"""Counts what the classic networks in the package `onnx` cost, apart from the graph reader that is checked against it.

The package carries nine networks of the ONNX model zoo without their weights, for the tests of its backends. Shapes are inferred by the
package itself; one multiply-add is one. Without their weights, branches of equal form compute the same, and a runtime computes them once:
`macs` counts them so, `macsWithWeights` as the trained network has them. `python -m light_graphs` prints the table, `python -m light_graphs --folder` where the graphs are.
"""

import hashlib
import json
import sys
from math import prod
from pathlib import Path

import onnx
from onnx import numpy_helper, shape_inference

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


def shapes_of(model: onnx.ModelProto) -> dict[str, list[int]]:
    inferred = shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {tensor.name: list(tensor.dims) for tensor in inferred.initializer}
    for value in [*inferred.input, *inferred.output, *inferred.value_info]:
        dims = value.type.tensor_type.shape.dim
        if all(dim.HasField("dim_value") for dim in dims):
            shapes.setdefault(value.name, [dim.dim_value for dim in dims])
    values = {tensor.name: tensor for tensor in inferred.initializer}
    for node in inferred.node:
        if node.op_type == "ConstantOfShape" and node.input[0] in values:
            shapes[node.output[0]] = numpy_helper.to_array(values[node.input[0]]).tolist()
    return shapes


def distinct(graph: onnx.GraphProto) -> set[str]:
    """First outputs of the nodes that are left when each computation is made once."""
    names = {tensor.name: f"{tensor.data_type} {list(tensor.dims)} {numpy_helper.to_array(tensor).tobytes()!r}" for tensor in graph.initializer}
    first: dict[tuple, list[str]] = {}
    kept = set()
    for node in graph.node:
        attributes = tuple(sorted(attribute.SerializeToString() for attribute in node.attribute))
        key = (node.op_type, tuple(names.get(name, name) for name in node.input), attributes)
        if key not in first:
            first[key] = list(node.output)
            kept.add(node.output[0])
        for mine, theirs in zip(node.output, first[key]):
            names[mine] = theirs
    return kept


def macs_of(node: onnx.NodeProto, shapes: dict[str, list[int]]) -> int:
    if node.op_type == "Conv":
        return prod(shapes[node.output[0]]) * prod(shapes[node.input[1]][1:])
    if node.op_type in ("Gemm", "MatMul"):
        transposed = any(attribute.name == "transB" and attribute.i == 1 for attribute in node.attribute)
        return prod(shapes[node.output[0]]) * shapes[node.input[1]][1 if transposed else 0]
    return 0


def count(file: Path) -> dict[str, object]:
    model = onnx.load(file)
    graph = model.graph
    shapes = shapes_of(model)
    stored = {tensor.name for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT}
    stored |= {node.output[0] for node in graph.node if node.op_type == "ConstantOfShape"}
    statistics = {name for node in graph.node if node.op_type == "BatchNormalization" for name in node.input[3:5]}
    read = {name for node in graph.node for name in node.input}
    parameters = sum(prod(shapes[name]) for name in (stored & read) - statistics)
    kept = distinct(graph)
    macs = {name: macs_of(node, shapes) for name, node in ((node.output[0], node) for node in graph.node)}
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return {"file": file.name, "sha256": digest, "parameters": parameters,
            "macs": sum(macs[name] for name in kept), "macsWithWeights": sum(macs.values())}


def main() -> None:
    if sys.argv[1:] == ["--folder"]:
        print(FOLDER)
        return
    graphs = [count(file) for file in sorted(FOLDER.glob("*.onnx"))]
    print(json.dumps({"package": f"onnx {onnx.__version__}", "graphs": graphs}, indent=2))


main()
