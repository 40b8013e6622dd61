import { type Disk, type DiskFile, systemDisk } from '../../../agent/disk/disk.ts';

/** The system's disk until an operation of this number: then the process is gone as by `kill -9`, before that operation or, of a write, in its middle. */
export function killingDisk(at: number): Disk {
  let operations = 0;
  const turn = () => {
    operations++;
    if (operations === at) process.kill(process.pid, 'SIGKILL');
  };
  const then = <T>(act: () => T): T => {
    turn();
    return act();
  };
  const wrap = (file: DiskFile): DiskFile => ({
    write: async (bytes, offset) => {
      const half = bytes.length >> 1;
      await file.write(bytes.subarray(0, half), offset);
      turn();
      await file.write(bytes.subarray(half), offset + half);
    },
    truncate: (bytes) => then(() => file.truncate(bytes)),
    sync: () => then(() => file.sync()),
    datasync: () => then(() => file.datasync()),
    close: () => then(() => file.close()),
  });
  return {
    open: (file, flags, mode) => then(async () => wrap(await systemDisk.open(file, flags, mode))),
    read: (file) => then(() => systemDisk.read(file)),
    readStream: (file, end) => then(() => systemDisk.readStream(file, end)),
    stat: (file) => then(() => systemDisk.stat(file)),
    list: (directory) => then(() => systemDisk.list(directory)),
    mkdir: (directory, mode) => then(() => systemDisk.mkdir(directory, mode)),
    rename: (from, to) => then(() => systemDisk.rename(from, to)),
    link: (existing, name) => then(() => systemDisk.link(existing, name)),
    remove: (file) => then(() => systemDisk.remove(file)),
    touch: (file, time) => then(() => systemDisk.touch(file, time)),
    freeBytes: (directory) => then(() => systemDisk.freeBytes(directory)),
  };
}
