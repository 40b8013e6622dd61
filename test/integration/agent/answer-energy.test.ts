// What answers say of energy on a device with a meter: the last completed window, the same over HTTP and gRPC.
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { codecOf, type ModelInferResponse } from '../../../agent/protocols/grpc/messages.ts';
import { eventually } from '../../support/eventually.ts';
import { classify, createWorld } from './world.ts';

type Parameters = Record<string, number | string>;

describe('answers of a device with a meter', () => {
  it('carry the energy of the model’s last window, with its source and how it was told apart', async () => {
    await using world = await createWorld();
    const agent = await world.startAgent({ simulate: 'raspberry-pi-5', windowSeconds: 0.3, grpcPort: 0 });
    await world.assign('device-a', 'states', { active: await world.slot('classifier.onnx', 'r1') });
    await eventually(async () => expect((await world.device('device-a')).status?.idlePower).not.toHaveLength(0), 30);
    const overHttp = await eventually(async () => {
      const { status, body } = await classify(agent.url, 'states');
      expect(status).toBe(200);
      const parameters = body['parameters'] as Parameters;
      expect(parameters).toHaveProperty('energy_mean_mj');
      return parameters;
    }, 30);
    expect(overHttp).toMatchObject({
      energy_mean_mj: expect.any(Number) as number,
      energy_window: expect.any(String) as string,
      energy_source: 'simulated:board',
      energy_attribution: 'Exclusive',
    });
    expect(Number(overHttp['energy_mean_mj'])).toBeGreaterThan(0);

    const client = new Client(agent.readiness.grpc ?? '', credentials.createInsecure());
    try {
      const [from, to] = [codecOf<object>('ModelInferRequest'), codecOf<ModelInferResponse>('ModelInferResponse')];
      const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 4], contents: { fp32Contents: [1, 2, 3, 4] } }];
      const answer = await new Promise<ModelInferResponse>((resolve, reject) => {
        const path = '/inference.GRPCInferenceService/ModelInfer';
        client.makeUnaryRequest(path, from.encode, to.decode, { modelName: 'states', inputs }, new Metadata(), (error, value) => {
          if (error || !value) reject(error ?? new Error('no answer'));
          else resolve(value);
        });
      });
      expect(answer.parameters['energy_source']?.stringParam).toBe('simulated:board');
      expect(answer.parameters['energy_mean_mj']?.doubleParam).toBeGreaterThan(0);
    } finally {
      client.close();
    }
  });
});
