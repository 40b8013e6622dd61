"""An MLServer runtime for ONNX models, of MLServer's own codecs and onnxruntime: the peer that the agent is compared with.

MLServer has none of its own. What its codecs or onnxruntime refuse is answered as the error that MLServer has for it (400).
"""

import numpy as np
import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse, MetadataTensor
from mlserver.utils import get_model_uri

DATATYPES = {
    "tensor(bool)": "BOOL",
    "tensor(uint8)": "UINT8",
    "tensor(uint16)": "UINT16",
    "tensor(uint32)": "UINT32",
    "tensor(uint64)": "UINT64",
    "tensor(int8)": "INT8",
    "tensor(int16)": "INT16",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(float16)": "FP16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": "BYTES",
}


def described(tensors):
    return [
        MetadataTensor(
            name=tensor.name,
            datatype=DATATYPES[tensor.type],
            shape=[size if isinstance(size, int) else -1 for size in tensor.shape],
        )
        for tensor in tensors
    ]


class OnnxRuntime(MLModel):
    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = True
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        uri = await get_model_uri(self.settings)
        self.session = onnxruntime.InferenceSession(uri, options, providers=["CPUExecutionProvider"])
        self.inputs = described(self.session.get_inputs())
        self.outputs = described(self.session.get_outputs())
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        known = [tensor.name for tensor in self.session.get_outputs()]
        wanted = [output.name for output in payload.outputs or []] or known
        try:
            feeds = {tensor.name: decode(tensor) for tensor in payload.inputs}
            results = self.session.run(wanted, feeds)
        except Exception as error:
            raise InferenceError(str(error)) from error
        outputs = [encode(name, values) for name, values in zip(wanted, results)]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)

    async def unload(self) -> bool:
        self.session = None
        return True


def decode(tensor):
    if str(getattr(tensor.datatype, "value", tensor.datatype)) == "BYTES":
        return np.array(StringCodec.decode_input(tensor), dtype=np.object_).reshape(tensor.shape)
    return NumpyCodec.decode_input(tensor)


def encode(name, values):
    if values.dtype == np.object_:
        output = StringCodec.encode_output(name, [str(value) for value in values.flatten()])
        output.shape = list(values.shape)
    else:
        output = NumpyCodec.encode_output(name, values)
        output.shape = list(values.shape)
    return output
