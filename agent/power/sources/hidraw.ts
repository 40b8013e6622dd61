// USB devices that speak in reports, through the kernel's hidraw.
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { listSysfs, readSysfs } from '../sysfs.ts';

export interface HidDevice {
  write(report: Uint8Array): void;
  /** Every report that came since the last time; the kernel keeps 64. @throws Error when the device is gone. */
  drain(): Buffer[];
  close(): void;
}

export interface HidNode {
  vendor: number;
  product: number;
  /** Such as `/dev/hidraw0`. */
  file: string;
  /** Its reports begin with a number of their own. */
  isNumbered: boolean;
}

/** Opens a node; a fixture in tests. @throws Error of the system. */
export type OpenHid = (node: HidNode) => HidDevice;

const maximumReports = 64;
const reportBytes = 64;

export async function listHid(pathSysfs: string): Promise<HidNode[]> {
  const nodes: HidNode[] = [];
  for (const entry of await listSysfs(path.join(pathSysfs, 'class/hidraw'), /^hidraw\d+$/)) {
    const event = await readSysfs(entry, 'device/uevent');
    // Bus, vendor and product.
    const id = /^HID_ID=[0-9A-F]+:([0-9A-F]+):([0-9A-F]+)$/m.exec(event ?? '');
    if (!id) continue;
    const descriptor = await readFile(path.join(entry, 'device/report_descriptor')).catch(() => Buffer.alloc(0));
    nodes.push({
      vendor: Number.parseInt(id[1] ?? '', 16),
      product: Number.parseInt(id[2] ?? '', 16),
      file: path.join('/dev', path.basename(entry)),
      isNumbered: hasReportIds(descriptor),
    });
  }
  return nodes;
}

/** Walks the items of a report descriptor (HID 1.11, 6.2.2) for a Report ID. */
export function hasReportIds(descriptor: Uint8Array): boolean {
  for (let at = 0; at < descriptor.length; ) {
    const prefix = descriptor[at] ?? 0;
    if (prefix === 0xfe)
      at += 3 + (descriptor[at + 1] ?? 0); // a long item
    else {
      if ((prefix & 0xfc) === 0x84) return true;
      at += 1 + ([0, 1, 2, 4][prefix & 3] ?? 0);
    }
  }
  return false;
}

/** Never waits: a read that blocks would hold a thread of this process for as long as the meter is silent. */
export const openHid: OpenHid = ({ file, isNumbered }) => {
  const descriptor = openSync(file, constants.O_RDWR | constants.O_NONBLOCK);
  return {
    // The kernel takes the number of the report first, and 0 where there are none.
    write: (report) => {
      writeSync(descriptor, isNumbered ? report : Buffer.concat([Buffer.of(0), report]));
    },
    drain: () => {
      const reports: Buffer[] = [];
      while (reports.length < maximumReports) {
        const report = Buffer.alloc(reportBytes);
        try {
          const bytes = readSync(descriptor, report);
          if (bytes === 0) break;
          reports.push(report.subarray(0, bytes));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'EAGAIN') break;
          throw error;
        }
      }
      return reports;
    },
    close: () => closeSync(descriptor),
  };
};
