import { readFile } from 'node:fs/promises';
import { CommandError, exitCodes, usageError } from '../exit-codes.ts';
import { Deviation } from '../open-inference/deviation.ts';
import { markdownReport } from '../open-inference/report/markdown.ts';
import { summary, textReport } from '../open-inference/report/text.ts';
import { type ConformanceReport, runSuite } from '../open-inference/suite.ts';

interface Flags {
  grpc?: string;
  model?: string[];
  ca?: string;
  tokenFile?: string;
  unload: boolean;
  strict: boolean;
  timeout: string;
  output: string;
}

const writers: Record<string, (report: ConformanceReport) => string> = {
  text: textReport,
  json: (report) => `${JSON.stringify(report, undefined, 2)}\n`,
  markdown: (report) =>
    `# ${report.server.name} ${report.server.version}\n\n${markdownReport([{ name: report.server.name, report }])}\n`,
};

export async function oipConformance(url: string, flags: Flags, signal: AbortSignal): Promise<void> {
  const write = writers[flags.output];
  if (!write) throw usageError(`--output ${flags.output} is not known`, `use ${Object.keys(writers).join(', ')}`);
  if (!/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ''))
    throw usageError(`${url} is no http(s) URL`, 'name the server’s address, such as http://127.0.0.1:8000, without /v2');
  if (flags.grpc !== undefined && !/^.+:\d+$/.test(flags.grpc))
    throw usageError(`--grpc ${flags.grpc} is no HOST:PORT`, 'name the gRPC address, such as 127.0.0.1:8001');
  const timeoutSeconds = Number(flags.timeout);
  if (!(timeoutSeconds > 0 && timeoutSeconds <= 600))
    throw usageError(`--timeout ${flags.timeout} is not in range`, 'give seconds, at most 600');
  const [ca, token] = [await contentsOf('--ca', flags.ca), await contentsOf('--token-file', flags.tokenFile)];
  const report = await runSuite(
    {
      url,
      models: flags.model ?? [],
      mayUnload: flags.unload,
      timeoutMilliseconds: timeoutSeconds * 1000,
      ...(flags.grpc === undefined ? {} : { grpc: flags.grpc }),
      ...(ca === undefined ? {} : { certificateAuthority: ca }),
      ...(token === undefined ? {} : { token: token.trim() }),
    },
    signal,
  ).catch((error: unknown) => {
    if (!(error instanceof Deviation)) throw error;
    throw new CommandError(
      `no server of the protocol answers at ${url}: ${error.message}`,
      'see that it runs, and name it without /v2',
      {
        cause: error,
      },
    );
  });
  process.stdout.write(write(report));
  if (report.models.length === 0)
    throw new CommandError(
      `no model at ${url} could be asked${report.left.map(({ model, why }) => `; ${model}: ${why}`).join('')}`,
      'load one, or name it with --model',
    );
  const against = report.counts.failed + (flags.strict ? report.counts.advice : 0);
  if (against > 0)
    throw new CommandError(summary(report), 'the report names each case and what the server answered', {
      exitCode: exitCodes.negative,
    });
}

async function contentsOf(flag: string, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  return readFile(file, 'utf8').catch((error: Error) => {
    throw new CommandError(`${flag} ${file}: ${error.message}`, 'name a file that can be read', { cause: error });
  });
}
