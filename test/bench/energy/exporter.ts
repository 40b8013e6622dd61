// The Python process that writes timm architectures as ONNX files, asked for one after the other.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export type ExportAnswer = { file: string } | { error: string };

export interface Exporter {
  export(architecture: string, pixels: number, file: string): Promise<ExportAnswer>;
  stop(): void;
}

/** `python` needs training/timm_export/requirements.txt. Its own output goes to this process's error stream. */
export function startExporter(python: string, root: string, signal: AbortSignal): Exporter {
  const child = spawn(python, ['-m', 'timm_export'], { cwd: `${root}/training`, stdio: ['pipe', 'pipe', 'ignore'], signal });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  failed.catch(() => undefined); // told to whoever asks next
  return {
    export: async (architecture, pixels, file) => {
      child.stdin.write(`${architecture} ${pixels} ${file}\n`);
      const line = await Promise.race([lines.next(), failed]);
      if (line.done) throw new Error(`${python} -m timm_export ended: install training/timm_export/requirements.txt for it`);
      return JSON.parse(line.value) as ExportAnswer;
    },
    stop: () => {
      child.kill();
    },
  };
}
