// Runs the cases one after the other and keeps how each ended.
import type { ConformanceCase } from './case.ts';
import { binaryCases } from './cases/binary-data.ts';
import { classificationCases } from './cases/classification.ts';
import { grpcCases } from './cases/grpc.ts';
import { grpcRefusalCases } from './cases/grpc-refusals.ts';
import { httpCases } from './cases/http.ts';
import { inferAnswerCases } from './cases/infer-answers.ts';
import { inferChoiceCases } from './cases/infer-choices.ts';
import { inferFormCases } from './cases/infer-forms.ts';
import { metadataCases } from './cases/metadata.ts';
import { refusalCases } from './cases/refusals.ts';
import { repositoryCases } from './cases/repository.ts';
import { serverCases } from './cases/server.ts';
import { typeCases } from './cases/types.ts';
import { Deviation, type Level, NotApplicable } from './deviation.ts';
import { type Discovery, discover } from './discover.ts';
import { connectGrpc, GrpcRefusal } from './grpc-server.ts';
import { connectRest } from './rest-server.ts';
import type { Target } from './target.ts';

export const cases: readonly ConformanceCase[] = [
  ...serverCases,
  ...metadataCases,
  ...inferAnswerCases,
  ...inferFormCases,
  ...inferChoiceCases,
  ...typeCases,
  ...refusalCases,
  ...httpCases,
  ...binaryCases,
  ...classificationCases,
  ...repositoryCases,
  ...grpcCases,
  ...grpcRefusalCases,
];

export interface SuiteOptions {
  url: string;
  /** `host:port`; without it the cases of gRPC are skipped. */
  grpc?: string;
  /** Empty: all that the server lists. */
  models: readonly string[];
  certificateAuthority?: string;
  token?: string;
  mayUnload: boolean;
  timeoutMilliseconds: number;
  onCase?: (result: CaseResult) => void;
}

export interface CaseResult {
  id: string;
  group: string;
  title: string;
  level: Level;
  /** `advice`: something that the protocol's text leaves open is done otherwise than clients expect. */
  outcome: 'passed' | 'failed' | 'advice' | 'skipped';
  /** What the server did, or why the case was skipped. */
  message?: string;
}

export interface ConformanceReport {
  url: string;
  server: Discovery['server'];
  extensions: string[];
  models: { name: string; inputs: string[]; echoes: number }[];
  left: Discovery['left'];
  results: CaseResult[];
  counts: Record<CaseResult['outcome'], number>;
}

/** @throws Deviation when the server cannot be reached or does not describe itself at GET /v2. */
export async function runSuite(options: SuiteOptions, signal: AbortSignal): Promise<ConformanceReport> {
  const { url, certificateAuthority, token, timeoutMilliseconds } = options;
  const access = {
    timeoutMilliseconds,
    ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
    ...(token === undefined ? {} : { token }),
  };
  const rest = connectRest(url, access, signal);
  const grpc =
    options.grpc === undefined ? undefined : connectGrpc(options.grpc, { ...access, secure: url.startsWith('https:') });
  try {
    const found = await discover(rest, options.models);
    const target: Target = {
      rest,
      grpc,
      extensions: new Set(found.extensions),
      models: found.models,
      mayUnload: options.mayUnload,
    };
    const results: CaseResult[] = [];
    for (const one of cases) {
      signal.throwIfAborted();
      const result = await runCase(one, target, signal);
      results.push(result);
      options.onCase?.(result);
    }
    return {
      url,
      server: found.server,
      extensions: found.extensions,
      models: found.models.map(({ name, inputs, echoes }) => ({
        name,
        inputs: inputs.map(({ name: input, datatype, shape }) => `${input} ${datatype} [${shape.join(', ')}]`),
        echoes: echoes.size,
      })),
      left: found.left,
      results,
      counts: countOutcomes(results),
    };
  } finally {
    grpc?.close();
    await rest.close();
  }
}

async function runCase(one: ConformanceCase, target: Target, signal: AbortSignal): Promise<CaseResult> {
  const { id, group, title, level } = one;
  const base = { id, group, title, level };
  try {
    await one.run(target);
    return { ...base, outcome: 'passed' };
  } catch (error) {
    signal.throwIfAborted();
    const { message } = error as Error;
    if (error instanceof NotApplicable) return { ...base, outcome: 'skipped', message };
    if (!(error instanceof Deviation) && !(error instanceof GrpcRefusal)) throw error;
    const decided = (error instanceof Deviation ? error.level : undefined) ?? level;
    return { ...base, outcome: decided === 'required' ? 'failed' : 'advice', message };
  }
}

function countOutcomes(results: readonly CaseResult[]): ConformanceReport['counts'] {
  const count = (outcome: CaseResult['outcome']) => results.filter((result) => result.outcome === outcome).length;
  return { passed: count('passed'), failed: count('failed'), advice: count('advice'), skipped: count('skipped') };
}
