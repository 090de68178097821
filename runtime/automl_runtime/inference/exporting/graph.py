"""ONNX graphs, node by node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from automl_runtime.errors import MissingExtraError, RequestError, shorten

__all__ = ["Graph", "cannot", "import_onnx"]

TREES: Final = "ai.onnx.ml"
RUNTIME: Final = "com.microsoft"
"""Operators that every build of ONNX Runtime has; the standard has none that takes a text apart."""
OPSETS: Final = {"": 18, TREES: 5}
"""Version 5 of the trees has sets of categories and double precision."""
_IR: Final = 10
_TRUTH, _WHOLE = np.dtype(bool), np.dtype(np.int64)
_PREFIX: Final = "automl."


def import_onnx() -> Any:
    """The module `onnx`.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError(package="onnx", extra="onnx") from error
    return onnx


def cannot(what: str, hint: str | None = None) -> RequestError:
    """The error that says what no ONNX node can do."""
    return RequestError(f"The model cannot be exported as ONNX: it holds {what}.", hint=hint)


class Graph:
    """Nodes and constants under names of our own, which begin with `automl.`; tensors are named by strings."""

    def __init__(self) -> None:
        self._onnx = import_onnx()
        self._nodes: list[Any] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], Any] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._made = 0

    def input(self, name: str, dtype: str, width: int = 1) -> str:
        """An input of rows x `width`: `double` or `string`.

        Raises:
            RequestError: if the name is empty, one of ours, or that of another input.
        """
        if name.startswith(_PREFIX) or not name or any(given.name == name for given in self._inputs):
            raise cannot(f"a column called {shorten(name)}, a name that is taken", "Rename the column.")
        kind = {"double": self._onnx.TensorProto.DOUBLE, "string": self._onnx.TensorProto.STRING}[dtype]
        self._inputs.append(self._onnx.helper.make_tensor_value_info(name, kind, ["rows", width]))
        return name

    def output(self, name: str, tensor: str, dtype: Any, shape: list[Any]) -> str:
        """Makes `tensor` an output; the name that it got, which no input has."""
        while any(given.name == name for given in self._inputs):
            name += "_"
        kind = self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self._nodes.append(self._onnx.helper.make_node("Identity", [tensor], [name]))
        self._outputs.append(self._onnx.helper.make_tensor_value_info(name, kind, shape))
        return name

    def constant(self, values: Any, dtype: Any = np.float64) -> str:
        """An array; equal ones are kept once."""
        array = np.array(values, dtype=dtype, order="C")
        content = repr(array.tolist()).encode() if array.dtype == object else array.tobytes()
        key = (str(array.dtype), array.shape, content)
        if key not in self._constants:
            name = f"{_PREFIX}constant{len(self._constants)}"
            self._constants[key] = self._onnx.numpy_helper.from_array(array, name)
        return str(self._constants[key].name)

    def places(self, values: Any) -> str:
        """An int64 array."""
        return self.constant(values, np.int64)

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """A node with one output."""
        return self.ops(kind, *inputs, outputs=1, domain=domain, **attributes)[0]

    def ops(self, kind: str, *inputs: str, outputs: int, domain: str = "", **attributes: Any) -> list[str]:
        """A node with so many outputs."""
        names = [self._name(kind) for _ in range(outputs)]
        self._nodes.append(self._onnx.helper.make_node(kind, list(inputs), names, domain=domain, **attributes))
        return names

    def _name(self, kind: str) -> str:
        self._made += 1
        return f"{_PREFIX}{kind}{self._made}"

    def repeat(self, times: str, state: str, step: Callable[[str, str], str]) -> str:
        """`state` after `step(number, state)` was done `times` (int64) times; it is a list of int64."""
        helper = self._onnx.helper
        kinds = {dtype: helper.np_dtype_to_tensor_dtype(dtype) for dtype in (_TRUTH, _WHOLE)}
        outer, self._nodes = self._nodes, []
        number, goes_on, before = self._name("number"), self._name("goes_on"), self._name("state")
        still, after = self.op("Identity", goes_on), self.op("Identity", step(number, before))
        inputs = [
            helper.make_tensor_value_info(number, kinds[_WHOLE], []),
            helper.make_tensor_value_info(goes_on, kinds[_TRUTH], []),
            helper.make_tensor_value_info(before, kinds[_WHOLE], [None]),
        ]
        outputs = [
            helper.make_tensor_value_info(still, kinds[_TRUTH], []),
            helper.make_tensor_value_info(after, kinds[_WHOLE], [None]),
        ]
        body, self._nodes = helper.make_graph(self._nodes, "step", inputs, outputs), outer
        return self.op("Loop", times, self.constant(True, np.bool_), state, body=body)

    def array(self, values: Any) -> Any:
        """An array as an attribute of a node."""
        return self._onnx.numpy_helper.from_array(np.ascontiguousarray(values))

    def columns(self, tensor: str, places: Any) -> str:
        """The columns at these places."""
        return self.op("Gather", tensor, self.places(places), axis=1)

    def cast(self, tensor: str, dtype: Any) -> str:
        """The tensor in another type."""
        return self.op("Cast", tensor, to=self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def concat(self, tensors: list[str]) -> str:
        """Tensors of rows x columns side by side."""
        return tensors[0] if len(tensors) == 1 else self.op("Concat", *tensors, axis=1)

    def slice(self, tensor: str, first: int, end: int | None, axis: int = 0) -> str:
        """As `tensor[first:end]` along an axis."""
        end = np.iinfo(np.int64).max if end is None else end
        return self.op("Slice", tensor, *map(self.places, ([first], [end], [axis])))

    def count(self, tensor: str, axis: int = 0) -> str:
        """The length along an axis, as a list of one int64."""
        return self.op("Shape", tensor, start=axis, end=axis + 1)

    def sum(self, tensor: str, axis: int, *, keep: bool = False) -> str:
        """Sums along an axis, which goes away unless it is to be kept."""
        return self.op("ReduceSum", tensor, self.places([axis]), keepdims=int(keep))

    def clip(self, tensor: str, low: float, high: float) -> str:
        """Cut off at both ends; there must be no NaN."""
        return self.op("Clip", tensor, self.constant(low), self.constant(high))

    def where(self, condition: str, yes: str, no: str) -> str:
        """`yes` where `condition` holds, else `no`."""
        return self.op("Where", condition, yes, no)

    def model(self, about: dict[str, str]) -> Any:
        """The checked model; `about` is kept as its metadata.

        Raises:
            onnx.checker.ValidationError: if a node is not what ONNX knows.
        """
        helper = self._onnx.helper
        graph = helper.make_graph(
            self._nodes, "automl", self._inputs, self._outputs, initializer=list(self._constants.values())
        )
        domains = OPSETS | ({RUNTIME: 1} if any(node.domain == RUNTIME for node in self._nodes) else {})
        opsets = [helper.make_opsetid(domain, version) for domain, version in domains.items()]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="automl", ir_version=_IR)
        helper.set_model_props(model, about)
        self._onnx.checker.check_model(model, full_check=False)
        return model
