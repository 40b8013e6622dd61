// Which DeviceClass a device belongs to. Pure.
import type { DeviceClass } from '../../crds/device-class.ts';
import type { EdgeDevice } from '../../crds/edge-device.ts';
import { simulatedSuffix } from '../../crds/names.ts';

export type ClassDecision = { kind: 'class'; name: string } | { kind: 'none'; message: string };

/** spec.deviceClassName wins; else the class with the highest precedence whose globs match the board model, or the architecture. */
export function decideClass(device: EdgeDevice, classes: readonly DeviceClass[]): ClassDecision {
  const chosen = device.spec.deviceClassName;
  if (chosen !== undefined) {
    if (classes.some((candidate) => candidate.metadata.name === chosen)) return { kind: 'class', name: chosen };
    return {
      kind: 'none',
      message: `spec.deviceClassName is ${chosen}, and there is no such DeviceClass: create it or correct the name`,
    };
  }
  if (device.status?.simulated === true)
    return {
      kind: 'none',
      message: `a simulated device needs a class that ends in ${simulatedSuffix}: set spec.deviceClassName`,
    };
  const matching = classes
    .filter((candidate) => candidate.spec.simulatedFrom === undefined && matches(candidate, device))
    .sort((a, b) => precedenceOf(b) - precedenceOf(a) || (a.metadata.name < b.metadata.name ? -1 : 1));
  const best = matching[0];
  if (best) return { kind: 'class', name: best.metadata.name };
  const seen = device.status?.boardModel ?? device.status?.architecture;
  if (seen === undefined) return { kind: 'none', message: 'the agent has not reported its board yet' };
  return {
    kind: 'none',
    message: `no DeviceClass matches board "${seen}": create one with match.boardModels, or set spec.deviceClassName`,
  };
}

function matches(candidate: DeviceClass, device: EdgeDevice): boolean {
  const { boardModels = [], architectures = [] } = candidate.spec.match ?? {};
  if (boardModels.length === 0 && architectures.length === 0) return false;
  const { boardModel, architecture } = device.status ?? {};
  const fitsBoard =
    boardModels.length === 0 || (boardModel !== undefined && boardModels.some((glob) => matchesGlob(glob, boardModel)));
  const fitsArchitecture = architectures.length === 0 || (architecture !== undefined && architectures.includes(architecture));
  return fitsBoard && fitsArchitecture;
}

function precedenceOf(candidate: DeviceClass): number {
  return candidate.spec.match?.precedence ?? 0;
}

/** `*` stands for any text, `?` for one character; letters match in either case. Linear: device-tree models come from outside. */
export function matchesGlob(glob: string, text: string): boolean {
  const pattern = glob.toLowerCase();
  const subject = text.toLowerCase();
  let at = 0;
  let position = 0;
  let star = -1;
  let resume = 0;
  while (position < subject.length) {
    if (pattern[at] === '*') {
      star = at++;
      resume = position;
    } else if (pattern[at] === '?' || pattern[at] === subject[position]) {
      at++;
      position++;
    } else if (star >= 0) {
      at = star + 1;
      position = ++resume;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}
