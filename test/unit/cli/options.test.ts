import { describe, expect, it } from 'vitest';
import { CommandError, exitCodes } from '../../../cli/exit-codes.ts';
import { numberIn, parsePort, wholeNumber } from '../../../cli/flags/number.ts';
import { checkSimulatedClass } from '../../../cli/flags/simulated-class.ts';
import { parseOutputFormat } from '../../../cli/output/format.ts';
import { formatTable } from '../../../cli/output/table.ts';
import { parseSimulate } from '../../../cli/up/options.ts';

const refusal = (parse: () => unknown): CommandError => {
  try {
    parse();
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
  throw new Error('it was accepted');
};

describe('--simulate', () => {
  it('is boards and how many of each, or none', () => {
    expect(parseSimulate('none')).toEqual([]);
    expect(parseSimulate('raspberry-pi-5=2, jetson-nano=1').map(({ name }) => name)).toEqual([
      'simulated-raspberry-pi-5-1',
      'simulated-raspberry-pi-5-2',
      'simulated-jetson-nano-1',
    ]);
    expect(parseSimulate('jetson-nano=0')).toEqual([]);
  });

  it.each(['x', 'x=', '=1', 'x=-1', 'x=1.5', 'X=1', 'x=1,,y=1', 'x=1;y=2', 'x=1000'])('%s is not understood', (text) => {
    const error = refusal(() => parseSimulate(text));
    expect(error.message).toContain(`--simulate ${text}`);
    expect(error.next).toContain('--simulate raspberry-pi-5=1');
    expect(error.exitCode).toBe(exitCodes.usage);
  });

  it('names no device twice', () => {
    const error = refusal(() => parseSimulate('jetson-nano=1,a=1,jetson-nano=2'));
    expect(error.message).toContain('jetson-nano comes twice');
    expect(error).toMatchObject({ exitCode: exitCodes.usage, next: expect.stringContaining('jetson-nano=3') as string });
  });

  it('starts no more processes than a machine can bear', () => {
    expect(parseSimulate('a=32,b=32')).toHaveLength(64);
    expect(refusal(() => parseSimulate('a=32,b=33')).message).toContain('65 devices');
  });

  it('knows the boards, before anything is started', () => {
    expect(() => checkSimulatedClass('jetson-nano')).not.toThrow();
    const error = refusal(() => checkSimulatedClass('toaster'));
    expect(error).toMatchObject({
      exitCode: exitCodes.usage,
      next: expect.stringMatching(/^use one of: .*raspberry-pi-5/) as string,
    });
    expect(error.message).toContain('--simulate toaster');
  });
});

describe('a port', () => {
  it.each(['0', '1', '65535'])('can be %s', (text) => expect(parsePort('--port', text)).toBe(Number(text)));
  it.each(['', ' ', '-1', '65536', '80a', '1e3', '0x10'])('cannot be %j', (text) => {
    const error = refusal(() => parsePort('--web-port', text));
    expect(error.message).toBe(`--web-port ${text} is not a port`);
    expect(error).toMatchObject({ exitCode: exitCodes.usage, next: expect.stringContaining('0 to 65535') as string });
  });
});

describe('a number', () => {
  it('is in its range', () => {
    expect(numberIn('--window-seconds', '0.5', 0.1, 600)).toBe(0.5);
    for (const text of ['', ' ', '0', '601', 'ten', '1s'])
      expect(refusal(() => numberIn('--window-seconds', text, 0.1, 600))).toMatchObject({
        message: `--window-seconds ${text} is not in range`,
        exitCode: exitCodes.usage,
      });
  });

  it('that counts something is written in digits alone', () => {
    expect(wholeNumber('--step', '0', 0)).toBe(0);
    for (const text of ['', '-1', '1.5', '1e3', '1234567'])
      expect(refusal(() => wholeNumber('--step', text, 0)).exitCode).toBe(exitCodes.usage);
    expect(refusal(() => wholeNumber('--to-revision', '0', 1)).next).toBe('write digits, such as --to-revision 2');
  });
});

describe('--output', () => {
  it.each(['table', 'json'])('can be %s', (text) => expect(parseOutputFormat(text)).toBe(text));
  it.each(['', 'yaml', 'JSON'])('cannot be %j', (text) => {
    expect(refusal(() => parseOutputFormat(text))).toMatchObject({ exitCode: exitCodes.usage, next: 'use one of: table, json' });
  });
});

describe('a table', () => {
  it('is as wide as its widest cells, with numbers to the right and no blanks at the end', () => {
    const rows = [
      { name: 'a', energy: '80mJ' },
      { name: 'longer', energy: '5J' },
    ];
    const text = formatTable(
      [
        { title: 'ENERGY', value: (row) => row.energy, align: 'right' },
        { title: 'NAME', value: (row) => row.name },
      ],
      rows,
    );
    expect(text.split('\n')).toEqual(['ENERGY   NAME', '  80mJ   a', '    5J   longer']);
  });

  it('without rows is its titles', () => {
    expect(formatTable([{ title: 'NAME', value: () => '' }], [])).toBe('NAME');
  });
});
