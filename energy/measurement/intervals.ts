// (uncommitted stand-in written by the agent's builder so that the agent runs; to be replaced by the energy builder's own file)
export function meanLogInterval(
  samplesJoules: readonly number[],
  options: { confidencePercent: number; gainRelativeSd: number; baselineRelativeSd: number },
): { estimate: number; lower: number; upper: number; meanLog: number; varianceLog: number } {
  const logs = samplesJoules.map(Math.log);
  const n = logs.length;
  const meanLog = logs.reduce((a, b) => a + b, 0) / n;
  const varianceLog = logs.reduce((a, b) => a + (b - meanLog) ** 2, 0) / (n - 1);
  const sd = Math.sqrt(varianceLog / n + options.gainRelativeSd ** 2 + options.baselineRelativeSd ** 2);
  const half = 2.015 * sd;
  return { estimate: Math.exp(meanLog), lower: Math.exp(meanLog - half), upper: Math.exp(meanLog + half), meanLog, varianceLog };
}
