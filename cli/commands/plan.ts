import { homedir } from 'node:os';
import { join } from 'node:path';
import { keepCompiled } from '../compile-cache.ts';
import { exitCodes, usageError } from '../exit-codes.ts';
import { oneOf } from '../flags/one-of.ts';
import { printJson } from '../output/format.ts';

interface PlanFlags {
  files: string;
  from?: string;
  to?: string;
  devices?: string[];
  live: boolean;
  kubeconfig?: string;
  repository?: string;
  namespace: string;
  prune: boolean;
  modelStore: string;
  allowHost?: string[];
  allowPrivateSources: boolean;
  sourceCa?: string;
  cacheDir?: string;
  maxIncrease?: string;
  output: string;
}

const outputs = ['text', 'json', 'markdown'] as const;

export async function plan(flags: PlanFlags, signal: AbortSignal): Promise<void> {
  const output = oneOf('--output', flags.output, outputs);
  const maximumIncreasePercent = parseIncrease(flags.maxIncrease);
  const live = flags.live || flags.kubeconfig !== undefined || flags.repository !== undefined;
  checkTogether(flags, live);
  const cacheDirectory = flags.cacheDir ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'jouleops', 'plan');
  keepCompiled(cacheDirectory);
  // Loaded from here on: a third of what a plan takes would be the compilation of what it needs.
  const { makePlan } = await import('../plan/make-plan.ts');
  const report = await makePlan(
    { ...flags, live, cacheDirectory, ...(maximumIncreasePercent === undefined ? {} : { maximumIncreasePercent }) },
    signal,
  );
  if (output === 'json') printJson(report);
  else if (output === 'text') process.stdout.write((await import('../plan/plan-text.ts')).formatPlanText(report));
  else process.stdout.write((await import('../plan/plan-markdown.ts')).formatPlanMarkdown(report));
  const { isYes } = await import('../plan/plan-report.ts');
  if (!isYes(report)) process.exitCode = exitCodes.negative;
}

function parseIncrease(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const percent = Number(text);
  if (text.trim() !== '' && percent >= 0 && percent <= 10_000) return percent;
  throw usageError(`--max-increase ${text} is not a percentage`, 'write for example --max-increase 10');
}

function checkTogether({ from, devices }: PlanFlags, live: boolean): void {
  if (live && from !== undefined)
    throw usageError(
      '--from compares two commits, and a cluster is compared with the files',
      'leave out --from, or --kubeconfig',
    );
  if (live && devices !== undefined)
    throw usageError('--devices and a cluster exclude each other', 'leave out --devices: the cluster knows its devices');
}
