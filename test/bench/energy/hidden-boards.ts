// How far twenty probes carry on boards whose costs nobody knows and no model describes exactly.
import { boardPredictor } from '../../../energy/calibration/board-predictor.ts';
import { extractorVersion } from '../../../energy/graph/extract/protocol.ts';
import { evaluateLogModel, queryOf } from '../../../energy/prediction/log-model.ts';
import { domainReaches, type Predictor, parsePredictor } from '../../../energy/prediction/predictor.ts';
import { halfWidth } from '../../../energy/prediction/regression/conformal.ts';
import { mean, scoresOf } from '../../../energy/prediction/training/scores.ts';
import { artifactText } from '../../../energy/prediction/training/ship.ts';
import { heldOutNetworks, probeNetworks, type VirtualBoard, virtualBoards } from '../../support/virtual-boards.ts';

export interface HiddenBoardScore {
  board: string;
  source: string;
  probes: number;
  networks: number;
  meanAbsolutePercent: number;
  medianAbsolutePercent: number;
  /** Share of the networks inside the 90 % interval. */
  covered: number;
  halfWidthFactor: number;
  /** One number per multiply–add, from the same probes. */
  macsOnlyPercent: number;
  /** The source's prediction times one factor, from the same probes. */
  scaledSourcePercent: number;
}

export function hiddenBoardScores(sources: readonly Predictor[]): HiddenBoardScore[] {
  const [probes, networks] = [probeNetworks(), heldOutNetworks()];
  return virtualBoards().map((board) => score(board, sources, probes, networks));
}

type Networks = ReturnType<typeof probeNetworks>;

function score(board: VirtualBoard, sources: readonly Predictor[], probes: Networks, networks: Networks): HiddenBoardScore {
  const measured = probes.map((probe) => board.measure(probe));
  const artifact = boardPredictor(sources, measured, {
    deviceClass: 'hidden',
    key: { runtime: 'onnxruntime', executionProvider: 'cpu', threads: 1 },
    boundary: 'Board',
    quantity: 'Active',
    data: { file: 'hidden', sha256: '' },
    date: '2026-11-21',
    version: 1,
    extractorVersion,
    probes: {
      meter: 'virtual',
      simulated: true,
      leftOut: [],
      anchor: { probe: probes[0]?.name ?? '', measurements: 1, largestDriftPercent: 0 },
      driftAccepted: [],
    },
  });
  const predictor = parsePredictor(artifactText(artifact));
  const source = sources.find(({ name, version }) => `${name}@${version}` === artifact.card.calibration?.source);
  const { inside, outside } = predictor.energy.calibration;
  const outcomes = networks.map((network) => {
    const query = queryOf(predictor.surroundings, network.features);
    const predicted = evaluateLogModel(predictor.energy.model, query).value;
    const actual = board.truthOf(network).joules;
    const { logHalfWidth } = halfWidth(inside, outside, query.remoteness <= domainReaches, 90);
    return { predicted, actual, covered: Math.abs(Math.log(actual / predicted)) <= logHalfWidth, logHalfWidth };
  });
  const scaled = (value: (network: Networks[number]) => number) => {
    const factor = Math.exp(
      mean(measured.map(({ joules }, index) => Math.log(joules / value(probes[index] as Networks[number])))),
    );
    return scoresOf(networks.map((network) => ({ predicted: factor * value(network), actual: board.truthOf(network).joules })));
  };
  const ofSource = (network: Networks[number]) =>
    source ? evaluateLogModel(source.energy.model, queryOf(source.surroundings, network.features)).value : Number.NaN;
  const { meanAbsolutePercent, medianAbsolutePercent } = scoresOf(outcomes);
  return {
    board: board.name,
    source: source?.name ?? '',
    probes: measured.length,
    networks: networks.length,
    meanAbsolutePercent,
    medianAbsolutePercent,
    covered: mean(outcomes.map(({ covered }) => Number(covered))),
    halfWidthFactor: Math.exp(mean(outcomes.map(({ logHalfWidth }) => logHalfWidth))),
    macsOnlyPercent: scaled(({ features }) => features.macs).meanAbsolutePercent,
    scaledSourcePercent: scaled(ofSource).meanAbsolutePercent,
  };
}

export function hiddenBoardTable(sources: readonly Predictor[]): string {
  const percent = (value: number) => `${value.toFixed(1)} %`;
  const scores = hiddenBoardScores(sources);
  const first = scores[0];
  return [
    `${first?.probes} probes, ${first?.networks} other networks. Each board has other hidden costs (a factor of 1.5 either way), an efficiency of its own for every kind of layer (standard deviation 15 %), is slowed down by networks that heat it, and is read in steps of 40 mW.`,
    '',
    '| board, seed | mean error | median error | inside the 90 % interval | half-width | MACs × constant | source × constant | proportions from |',
    '|---|---|---|---|---|---|---|---|',
    ...scores.map(
      (one) =>
        `| ${one.board} | ${percent(one.meanAbsolutePercent)} | ${percent(one.medianAbsolutePercent)} | ${percent(100 * one.covered)} | ×${one.halfWidthFactor.toFixed(2)} | ${percent(one.macsOnlyPercent)} | ${percent(one.scaledSourcePercent)} | ${one.source} |`,
    ),
  ].join('\n');
}
