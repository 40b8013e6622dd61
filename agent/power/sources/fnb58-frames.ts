// What an FNIRSI FNB58 or FNB48S says over USB: reports of 64 bytes, four samples in each, a hundred samples per second.
// The maker publishes no protocol; it was found out and written down at github.com/baryluk/fnirsi-usb-power-data-logger.

const start = 0xaa;
const dataKind = 0x04;
const frameBytes = 64;
const firstSample = 2;
const sampleBytes = 15;
const samplesPerFrame = 4;
/** Volts and amperes come in units of ten micro. */
const unitsPerOne = 100_000;

/** CRC-8, polynomial 0x39, from 0x42, over everything but the first and the last byte. */
export function checksum(bytes: Uint8Array): number {
  let crc = 0x42;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? ((crc << 1) ^ 0x39) & 0xff : (crc << 1) & 0xff;
  }
  return crc;
}

function order(kind: number): Buffer {
  const report = Buffer.alloc(frameBytes);
  report[0] = start;
  report[1] = kind;
  report[frameBytes - 1] = checksum(report.subarray(1, -1));
  return report;
}

/** What makes the meter talk, in this order. */
export const beginOrders: readonly Buffer[] = [order(0x81), order(0x82), order(0x82)];
/** Said once a second, else it falls silent. */
export const continueOrder: Buffer = order(0x83);

/** Watts of the four samples. Undefined for what is no data, or was damaged on its way. */
export function wattsOf(frame: Buffer): number[] | undefined {
  if (frame.length !== frameBytes || frame[0] !== start || frame[1] !== dataKind) return undefined;
  if (checksum(frame.subarray(1, -1)) !== frame[frameBytes - 1]) return undefined;
  return Array.from({ length: samplesPerFrame }, (_, index) => {
    const at = firstSample + index * sampleBytes;
    return (frame.readUInt32LE(at) / unitsPerOne) * (frame.readUInt32LE(at + 4) / unitsPerOne);
  });
}
