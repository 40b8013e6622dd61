// The classification extension: an output becomes its best classes instead of its numbers.
import { encodeElements } from '../inference/bytes-elements.ts';
import type { Tensor } from '../inference/datatypes.ts';
import { InferenceError } from '../inference/errors.ts';
import { exactIntegers, numericValues } from '../inference/tensor-json.ts';

interface Ranked {
  index: number;
  /** For the order; a 64-bit integer keeps all its digits. */
  score: number | bigint;
}

/**
 * The last dimension becomes `count` texts `score:index[:label]`, best first; of equal scores the lower index. Integers are
 * written whole, other numbers with six decimals.
 * @throws InferenceError invalid for texts
 */
export function classify(tensor: Tensor, count: number, labels: readonly string[] | undefined): Tensor {
  if (tensor.datatype === 'BYTES')
    throw new InferenceError('invalid', `output ${tensor.name} holds texts and cannot be classified`);
  const whole = tensor.datatype.includes('INT');
  const values: readonly (number | bigint)[] = exactIntegers(tensor) ?? Array.from(numericValues(tensor));
  const width = tensor.shape.at(-1) ?? values.length;
  const kept = Math.min(count, width);
  const elements: Uint8Array[] = [];
  for (let start = 0; start < values.length; start += width) {
    const ranked = values
      .slice(start, start + width)
      .map((score, index): Ranked => ({ score, index }))
      .sort(bestFirst);
    for (const { score, index } of ranked.slice(0, kept)) {
      const text = whole || typeof score === 'bigint' ? String(score) : score.toFixed(6);
      const label = labels?.[index];
      elements.push(Buffer.from(`${text}:${index}${label === undefined ? '' : `:${label}`}`));
    }
  }
  return { name: tensor.name, datatype: 'BYTES', shape: [...tensor.shape.slice(0, -1), kept], data: encodeElements(elements) };
}

/** What is not a number comes last. */
function bestFirst(a: Ranked, b: Ranked): number {
  const unlike = Number(Number.isNaN(a.score)) - Number(Number.isNaN(b.score));
  if (unlike !== 0) return unlike;
  if (a.score > b.score) return -1;
  return a.score < b.score ? 1 : a.index - b.index;
}
