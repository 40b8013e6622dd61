import { parseQuantity } from '../../kube/meta/quantity.ts';
import { usageError } from '../exit-codes.ts';

/** An amount of bytes as Kubernetes writes it, above zero. @throws CommandError that names the flag and its value. */
export function bytesIn(flag: string, text: string): number {
  const wrong = (cause?: unknown) =>
    usageError(`${flag} ${text} is not an amount of bytes`, `write it like ${flag} 512Mi or ${flag} 2Gi`, cause);
  let bytes: number;
  try {
    bytes = parseQuantity(text);
  } catch (error) {
    throw wrong(error);
  }
  if (bytes <= 0) throw wrong();
  return bytes;
}
