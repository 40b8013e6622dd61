import { execFileSync } from 'node:child_process';
import path from 'node:path';
import fc from 'fast-check';
import { destination, pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { NodePower } from '../../../agent/power/node-power.ts';
import { probeUsbMeters } from '../../../agent/power/sources/fnb58.ts';
import { beginOrders, checksum, continueOrder, wattsOf } from '../../../agent/power/sources/fnb58-frames.ts';
import { type HidDevice, hasReportIds, openHid } from '../../../agent/power/sources/hidraw.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { sysfsTree } from './sysfs-tree.ts';

const never = new AbortController().signal;
const logger = pino({ level: 'silent' }, destination({ dest: 2, sync: true }));
/** Usage page and usage of a vendor, 64 bytes in and out, no report numbers. */
const plain = [0x06, 0x00, 0xff, 0x09, 0x01, 0xa1, 0x01, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x40, 0x81, 0x02, 0xc0];

function frameOf(record: string): Buffer {
  const frame = Buffer.alloc(64);
  frame.set([0xaa, 0x04]);
  for (let sample = 0; sample < 4; sample++) frame.set(Buffer.from(record.replaceAll(' ', ''), 'hex'), 2 + sample * 15);
  frame[63] = checksum(frame.subarray(1, -1));
  return frame;
}

/** A recorded sample: 5.12345 V and 0.65432 A. */
const recorded = frameOf('59 d1 07 00 98 ff 00 00');
const recordedWatts = 5.12345 * 0.65432;

const unopened = () => {
  throw new Error('this meter is not to be opened');
};

describe('reports of a USB meter', () => {
  it('end with the checksum that the meter itself uses', () => {
    expect([...beginOrders, continueOrder].map((order) => order.at(-1))).toEqual([0x8e, 0x96, 0x96, 0x9e]);
  });

  it('carry four samples of volts and amperes', () => {
    expect(wattsOf(recorded)).toEqual(Array.from({ length: 4 }, () => expect.closeTo(recordedWatts, 9) as number));
  });

  it('are left out when they are of another kind, of another length, or damaged in any bit', () => {
    const other = Buffer.from(recorded);
    other[1] = 0x03;
    other[63] = checksum(other.subarray(1, -1));
    expect(wattsOf(other)).toBeUndefined();
    expect(wattsOf(recorded.subarray(0, 63))).toBeUndefined();
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 64 * 8 - 1 }), (bit) => {
        const damaged = Buffer.from(recorded);
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(wattsOf(damaged)).toBeUndefined();
      }),
    );
  });

  it('are numbered only where their descriptor says so', () => {
    expect(hasReportIds(Uint8Array.from(plain))).toBe(false);
    expect(hasReportIds(Uint8Array.from([...plain.slice(0, 7), 0x85, 0x01, ...plain.slice(7)]))).toBe(true);
    expect(hasReportIds(Uint8Array.from([0xfe, 0x01, 0x00, 0x85]))).toBe(false);
  });
});

describe('a node of hidraw', () => {
  it('is read without waiting, and written with a number in front where its reports have none', async () => {
    await using tree = await sysfsTree({});
    const file = path.join(tree.root, 'pipe');
    execFileSync('mkfifo', [file]);
    const node = { vendor: 1, product: 2, file, isNumbered: true };
    const numbered = openHid(node);
    expect(numbered.drain()).toEqual([]);
    numbered.write(recorded);
    numbered.write(continueOrder);
    expect(numbered.drain()).toEqual([recorded, continueOrder]);
    numbered.close();
    const without = openHid({ ...node, isNumbered: false });
    without.write(recorded);
    expect(Buffer.concat(without.drain())).toEqual(Buffer.concat([Buffer.of(0), recorded]));
    without.close();
    expect(() => without.drain()).toThrow();
  });
});

const usb = (product: string, vendor = '00002E3C') => ({
  'class/hidraw/hidraw0/device/uevent': 'DRIVER=hid-generic\nHID_ID=0003:0000046D:0000C31C\nHID_NAME=a keyboard',
  'class/hidraw/hidraw3/device/uevent': `DRIVER=hid-generic\nHID_ID=0003:${vendor}:${product}\nHID_NAME=FNIRSI USB Tester`,
});

async function meterOf(product = '00005558') {
  const tree = await sysfsTree(usb(product));
  const clock = new FakeClock();
  const waiting: Buffer[] = [];
  const written: number[] = [];
  let plugged = true;
  const open = (): HidDevice => {
    if (!plugged) throw Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' });
    return {
      write: (report) => void written.push(report[1] ?? 0),
      drain: () => {
        if (!plugged) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
        return waiting.splice(0);
      },
      close: () => undefined,
    };
  };
  const probe = await probeUsbMeters(tree.root, { open, now: () => clock.monotonic() });
  const power = new NodePower([probe], { clock, logger });
  const { total } = power;
  if (!total) throw new Error('the meter was not found');
  const second = async (...frames: Buffer[]) => {
    waiting.push(...frames);
    await clock.advance(1000);
    await total.sample(never);
  };
  return { tree, clock, total, written, waiting, second, plug: (is: boolean) => (plugged = is) };
}

describe('a USB meter', () => {
  it('is asked to begin, asked to go on, and counted by the time at which its reports arrive', async () => {
    const { tree, total, written, waiting, second } = await meterOf();
    await using _tree = tree;
    expect(total.source).toMatchObject({ name: 'usb:FNB58', boundary: 'Board' });
    waiting.push(recorded);
    await total.sample(never);
    expect(written).toEqual([0x81, 0x82, 0x82, 0x83]);
    expect(total.total.joules).toBe(0);
    await second(...Array.from({ length: 25 }, () => recorded));
    // One damaged report changes nothing: time counts, not reports.
    await second(...Array.from({ length: 24 }, () => recorded), Buffer.alloc(64, 1));
    expect(total.total.joules).toBeCloseTo(2 * recordedWatts, 6);
    expect(total.total.integratedSeconds).toBe(2);
    expect(written.slice(4)).toEqual([0x83, 0x83]);
  });

  it('says nothing for a time in which it was silent, and begins anew when it is back', async () => {
    const { tree, total, second, plug, written } = await meterOf();
    await using _tree = tree;
    await second(recorded);
    await second(recorded);
    const before = total.total.joules;
    await second();
    expect(total).toMatchObject({ up: false, watts: undefined });
    plug(false);
    await second();
    expect(total.up).toBe(false);
    plug(true);
    await second(recorded);
    await second(recorded);
    expect(written.filter((kind) => kind === 0x81)).toHaveLength(2);
    await second(recorded);
    expect(total.up).toBe(true);
    expect(total.total.joules).toBeGreaterThan(before);
    expect(total.total.joules).toBeLessThan(before + 2.1 * recordedWatts);
  });

  it('does not fill a pause in which nobody read it', async () => {
    const { tree, clock, total, second } = await meterOf();
    await using _tree = tree;
    await second(recorded);
    await second(recorded);
    const before = total.total.joules;
    await clock.advance(10_000);
    await second(recorded);
    expect(total.total.joules).toBe(before);
  });

  it('of a kind that is not read is named, with the reason', async () => {
    await using tree = await sysfsTree(usb('0000003A', '00000483'));
    const probe = await probeUsbMeters(tree.root, { open: unopened, now: () => 0 });
    expect(probe).toMatchObject({ found: [], why: expect.stringContaining('FNB48 at /dev/hidraw3') as string });
  });

  it('that may not be opened is named, with what to do', async () => {
    await using tree = await sysfsTree(usb('00000049'));
    const open = () => {
      throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    };
    const probe = await probeUsbMeters(tree.root, { open, now: () => 0 });
    expect(probe).toMatchObject({ found: [], why: expect.stringMatching(/FNB48S .* \(EACCES\): .*udev/) as string });
  });
});
