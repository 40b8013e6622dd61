import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseWatchEvent } from '../../../kube/api/watch-event.ts';
import { splitLines } from '../../../kube/api/watch-stream.ts';
import { configMap } from '../../support/scripted-server.ts';

async function linesOf(chunks: Uint8Array[]): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of splitLines(source(chunks), 'GET /x')) lines.push(line);
  return lines;
}

async function* source(chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

test('however the bytes are cut, the lines are the same, also inside a character', async () => {
  const line = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !text.includes('\n'));
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 8 }), fc.array(fc.nat(200), { maxLength: 12 }), async (lines, cuts) => {
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
      const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
      const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i], end));
      expect(await linesOf(chunks)).toEqual(lines.map((text) => text.toWellFormed()));
    }),
  );
});

test('an end inside a line is an error', async () => {
  await expect(linesOf([Buffer.from('{"a":1}\n{"b"')])).rejects.toThrow('ended inside an event after 4 bytes');
});

test.each([
  ['not JSON', '{"type"', 'is not JSON'],
  ['no event', '{"kind":"Status"}', 'is not an event'],
  ['an unknown type', '{"type":"RENAMED","object":{}}', 'is not an event'],
  ['an object without a version', '{"type":"ADDED","object":{"metadata":{"name":"a"}}}', 'is not an event'],
  ['an object without a name', '{"type":"ADDED","object":{"metadata":{"resourceVersion":"1"}}}', 'is not an event'],
])('%s is an error that shows the line', (_, line, message) => {
  expect(() => parseWatchEvent(line, 'GET /x')).toThrow(message);
});

test.each(['ADDED', 'MODIFIED', 'DELETED'] as const)('%s is parsed', (type) => {
  const object = configMap('one', '1');
  expect(parseWatchEvent(JSON.stringify({ type, object }), 'GET /x')).toEqual({ type, object });
});
