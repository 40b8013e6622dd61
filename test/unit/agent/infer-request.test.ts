import { expect, it } from 'vitest';
import { parseInferRequest } from '../../../agent/protocols/rest/infer-request.ts';

it.each([
  ['FP32', '[1]'],
  ['INT64', '[1]'],
])('the largest integer for a timeout means no limit, whatever the tensors are (%s)', (datatype, data) => {
  const input = `{"name": "x", "datatype": "${datatype}", "shape": [1], "data": ${data}}`;
  const body = Buffer.from(`{"parameters": {"timeout": 9223372036854775807}, "inputs": [${input}]}`);
  expect(parseInferRequest(body, {}).timeoutMicroseconds).toBe(2 ** 63);
});
