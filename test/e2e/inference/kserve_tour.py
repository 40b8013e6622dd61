"""KServe's clients, REST and gRPC, against an agent that serves the model `states`.

A process of its own: tritonclient and kserve register the same protobuf names and cannot be imported together.
"""

import os
import unittest

import grpc
import httpx
import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig


def request(model="states", shape=(1, 4), binary=False):
    tensor = InferInput("x", list(shape), "FP32")
    tensor.set_data_from_numpy(np.ones(shape, np.float32), binary_data=binary)
    return InferRequest(model_name=model, infer_inputs=[tensor], request_id="seven")


class Rest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.url = f"http://{os.environ['OIP_HTTP']}"
        self.client = InferenceRESTClient(RESTConfig(protocol="v2"))

    async def asyncTearDown(self):
        await self.client.close()

    async def test_health(self):
        self.assertTrue(await self.client.is_server_live(self.url))
        self.assertTrue(await self.client.is_server_ready(self.url))
        self.assertTrue(await self.client.is_model_ready(self.url, "states"))

    async def test_infer(self):
        for binary in (False, True):
            with self.subTest(binary=binary):
                response = await self.client.infer(self.url, request(binary=binary), model_name="states")
                self.assertEqual((response.id, response.model_name), ("seven", "states"))
                self.assertEqual(response.outputs[0].as_numpy().shape, (1, 3))

    async def test_errors(self):
        with self.assertRaisesRegex(httpx.HTTPStatusError, "the model takes"):
            await self.client.infer(self.url, request(shape=(1, 5)), model_name="states")


class Grpc(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.client = InferenceGRPCClient(url=os.environ["OIP_GRPC"])

    async def asyncTearDown(self):
        await self.client.close()

    async def test_health(self):
        self.assertTrue(await self.client.is_server_live())
        self.assertTrue(await self.client.is_server_ready())
        self.assertTrue(await self.client.is_model_ready("states"))

    async def test_infer(self):
        for binary in (False, True):
            with self.subTest(binary=binary):
                response = await self.client.infer(request(binary=binary))
                self.assertEqual((response.id, response.model_name), ("seven", "states"))
                self.assertEqual(response.outputs[0].as_numpy().shape, (1, 3))

    async def test_errors(self):
        with self.assertRaises(grpc.RpcError) as caught:
            await self.client.infer(request(model="other"))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.NOT_FOUND)


if __name__ == "__main__":
    unittest.main()
