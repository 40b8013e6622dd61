import { describe, expect, it } from 'vitest';
import { explainCause, explainText } from '../../../controller/fleet/refusal.ts';

const object = (spec: Record<string, unknown>) => ({
  apiVersion: 'jouleops.dev/v1alpha1',
  kind: 'ModelDeployment',
  metadata: { name: 'two' },
  spec,
});
const budget = (energyPerInference: unknown) => object({ budget: { energyPerInference } });
const field = 'spec.budget.energyPerInference';

describe('a refusal of the API server', () => {
  it.each([
    [80, '80 has no unit: write it with its unit, for example 80mJ'],
    ['80', '80 has no unit: write it with its unit, for example 80mJ'],
    ['0mJ', '0mJ is not more than zero: write a positive amount with its unit, for example 80mJ'],
    [0, '0 is not more than zero: write a positive amount with its unit, for example 80mJ'],
    ['-1mJ', '-1mJ is not more than zero: write a positive amount with its unit, for example 80mJ'],
    ['80 mJ', '80 mJ is not an energy: write a plain decimal and its unit without a space, for example 80mJ'],
    ['little', 'little is not an energy: write a number with its unit, for example 80mJ'],
  ])('of the budget %j names the value and what to write', (value, says) => {
    expect(explainCause(budget(value), field, 'Invalid value').message).toBe(`${field}: ${says}`);
  });

  it('of a bare number, which comes as a text about types, says the same', () => {
    const text = `failed to create typed patch object (factory/two; jouleops.dev/v1alpha1, Kind=ModelDeployment): .${field}: expected string, got &value.valueUnstructured{Value:80}`;
    expect(explainText(budget(80), text)).toEqual({
      field,
      message: `${field}: 80 has no unit: write it with its unit, for example 80mJ`,
    });
  });

  it('of another field of the wrong type says how to write it', () => {
    const text = 'failed to create typed patch object (a/b): .spec.modelVersionName: expected string, got &value{7}';
    expect(explainText(object({ modelVersionName: 7 }), text).message).toBe(
      'spec.modelVersionName is 7, not a string: write it in quotes, "7"',
    );
  });

  it.each([
    'failed to create typed patch object (a/b): .spec.budget.colour: field not declared in schema',
    'strict decoding error: unknown field "spec.budget.colour"',
  ])('of an unknown field (%s) says where the known ones are listed', (text) => {
    expect(explainText(object({}), text)).toEqual({
      field: 'spec.budget.colour',
      message:
        'spec.budget.colour is not a field of ModelDeployment: correct its name or remove it; "kubectl explain modeldeployment.spec.budget" lists the fields',
    });
  });

  it('of anything else is passed on with its field', () => {
    expect(explainCause(object({ placement: {} }), 'spec.placement', 'Required value').message).toBe(
      'spec.placement: Required value',
    );
    expect(explainText(object({}), 'the server is busy')).toEqual({ field: '', message: 'the server is busy' });
  });
});
