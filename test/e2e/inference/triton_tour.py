"""Triton's clients, HTTP and gRPC, against an agent that serves the models `states` and `types`.

OIP_HTTP and OIP_GRPC name its ports; the Node test beside this file starts it and runs `python -m unittest -v triton_tour`.
"""

import os
import unittest

import numpy as np
import tritonclient.grpc as over_grpc
import tritonclient.http as over_http
from tritonclient.utils import InferenceServerException


class Tour:
    """What both clients have in common; they take the same calls."""

    def test_health(self):
        self.assertTrue(self.client.is_server_live())
        self.assertTrue(self.client.is_server_ready())
        self.assertTrue(self.client.is_model_ready("states"))
        self.assertTrue(self.client.is_model_ready("states", "r1.0.0"))

    def test_metadata(self):
        server = self.as_dict(self.client.get_server_metadata)
        self.assertEqual(server["name"], "jouleops")
        self.assertIn("binary_tensor_data", server["extensions"])
        model = self.as_dict(self.client.get_model_metadata, "states")
        self.assertEqual(model["versions"], ["r1.0.0"])
        self.assertEqual([(one["name"], one["datatype"]) for one in model["inputs"]], [("x", "FP32")])

    def test_infer_a_batch(self):
        result = self.infer("states", {"x": np.array([[1, 2, 3, 4], [4, 3, 2, 1]], np.float32)}, request_id="seven")
        probabilities = result.as_numpy("probabilities")
        self.assertEqual((probabilities.shape, probabilities.dtype), ((2, 3), np.float32))
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
        response = result.get_response()
        self.assertEqual(response["id"] if isinstance(response, dict) else response.id, "seven")

    def test_requested_version_and_output(self):
        outputs = [self.module.InferRequestedOutput("probabilities")]
        result = self.infer("states", {"x": np.ones((1, 4), np.float32)}, outputs=outputs, model_version="r1.0.0")
        self.assertEqual(result.as_numpy("probabilities").shape, (1, 3))

    def test_classification(self):
        outputs = [self.module.InferRequestedOutput("probabilities", class_count=2)]
        best = self.infer("states", {"x": np.array([[1, 2, 3, 4]], np.float32)}, outputs=outputs).as_numpy("probabilities")
        self.assertEqual(best.shape, (1, 2))
        self.assertRegex(best[0][0].decode(), r"^0\.\d+:2:c$")

    def test_every_datatype(self):
        inputs = {
            "in_fp16": np.array([1.0, -2.5], np.float16),
            "in_int64": np.array([2**53 + 1, -1], np.int64),
            "in_uint8": np.array([[0, 1], [2, 255]], np.uint8),
            "in_bool": np.array([True, False, True]),
            "in_text": np.array(["Drehzahl °C".encode(), b""], dtype=np.object_),
            "in_fp64": np.array([np.pi], np.float64),
        }
        result = self.infer("types", inputs)
        for name, values in inputs.items():
            with self.subTest(name):
                np.testing.assert_array_equal(result.as_numpy(name.replace("in_", "out_")), values)

    def test_errors_say_what_is_wrong(self):
        with self.assertRaisesRegex(InferenceServerException, "no model other"):
            self.infer("other", {"x": np.ones((1, 4), np.float32)})
        with self.assertRaisesRegex(InferenceServerException, r"shape \[1, 5\]; the model takes \[-1, 4\]"):
            self.infer("states", {"x": np.ones((1, 5), np.float32)})
        with self.assertRaisesRegex(InferenceServerException, "control plane"):
            self.client.unload_model("states")

    def test_repository_index(self):
        index = self.as_dict(self.client.get_model_repository_index)
        entries = index["models"] if isinstance(index, dict) else index
        self.assertEqual(sorted(entry["name"] for entry in entries), ["states", "types"])

    def infer(self, model, arrays, **options):
        inputs = []
        for name, values in arrays.items():
            tensor = self.module.InferInput(name, list(values.shape), np_to_datatype(values))
            tensor.set_data_from_numpy(values)
            inputs.append(tensor)
        return self.client.infer(model, inputs, **options)


def np_to_datatype(values):
    from tritonclient.utils import np_to_triton_dtype

    return np_to_triton_dtype(values.dtype)


class OverHttp(Tour, unittest.TestCase):
    module = over_http

    def setUp(self):
        self.client = over_http.InferenceServerClient(os.environ["OIP_HTTP"])
        self.addCleanup(self.client.close)

    def as_dict(self, call, *args):
        return call(*args)

    def test_json_instead_of_binary(self):
        tensor = over_http.InferInput("x", [1, 4], "FP32")
        tensor.set_data_from_numpy(np.ones((1, 4), np.float32), binary_data=False)
        output = over_http.InferRequestedOutput("probabilities", binary_data=False)
        result = self.client.infer("states", [tensor], outputs=[output])
        self.assertEqual(result.as_numpy("probabilities").shape, (1, 3))

    def test_compressed_request(self):
        tensor = over_http.InferInput("x", [1, 4], "FP32")
        tensor.set_data_from_numpy(np.ones((1, 4), np.float32))
        for algorithm in ("gzip", "deflate"):
            result = self.client.infer("states", [tensor], request_compression_algorithm=algorithm)
            self.assertEqual(result.as_numpy("probabilities").shape, (1, 3))


class OverGrpc(Tour, unittest.TestCase):
    module = over_grpc

    def setUp(self):
        self.client = over_grpc.InferenceServerClient(os.environ["OIP_GRPC"])
        self.addCleanup(self.client.close)

    def as_dict(self, call, *args):
        return call(*args, as_json=True)

    def test_asynchronous_calls(self):
        tensor = over_grpc.InferInput("x", [1, 4], "FP32")
        tensor.set_data_from_numpy(np.ones((1, 4), np.float32))
        answers = []
        for _ in range(10):
            self.client.async_infer("states", [tensor], lambda result, error: answers.append((result, error)))
        for _ in range(500):
            if len(answers) == 10:
                break
            self.client.is_server_live()
        self.assertEqual([error for _, error in answers], [None] * 10)


class OverTls(unittest.TestCase):
    """The same model on an address that is not loopback: a certificate of the agent's own, and its token."""

    def setUp(self):
        with open(os.environ["OIP_TOKEN_FILE"], encoding="utf-8") as file:
            self.headers = {"authorization": f"Bearer {file.read().strip()}"}
        self.ca = os.environ["OIP_CA"]

    def infer(self, module, client, headers):
        self.addCleanup(client.close)
        tensor = module.InferInput("x", [1, 4], "FP32")
        tensor.set_data_from_numpy(np.ones((1, 4), np.float32))
        return client.infer("states", [tensor], headers=headers).as_numpy("probabilities")

    def test_https_with_the_token(self):
        import gevent.ssl

        client = over_http.InferenceServerClient(
            os.environ["OIP_TLS_HTTP"],
            ssl=True,
            ssl_context_factory=lambda: gevent.ssl.create_default_context(cafile=self.ca),
        )
        self.assertEqual(self.infer(over_http, client, self.headers).shape, (1, 3))
        with self.assertRaisesRegex(InferenceServerException, "send the token"):
            self.infer(over_http, client, {})

    def test_grpc_with_the_token(self):
        client = over_grpc.InferenceServerClient(os.environ["OIP_TLS_GRPC"], ssl=True, root_certificates=self.ca)
        self.assertEqual(self.infer(over_grpc, client, self.headers).shape, (1, 3))
        with self.assertRaisesRegex(InferenceServerException, "send the token"):
            self.infer(over_grpc, client, {})


if __name__ == "__main__":
    unittest.main()
