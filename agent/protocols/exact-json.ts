/** A whole number of more digits than a double holds, where 64-bit integers may be meant. */
const longInteger = /[[,:\s]-?\d{16,}\s*[\],}]/;

/**
 * JSON.parse for messages with tensors: whole numbers that a double would round become bigints with all their digits. Reading each number
 * twice costs time, so only where there are any. @throws SyntaxError
 */
export function parseExactly(text: string): unknown {
  if (!text.includes('INT64') || !longInteger.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    const source = context?.source ?? '';
    return typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? BigInt(source) : value;
  });
}
