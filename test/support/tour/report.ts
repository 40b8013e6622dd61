// docs/conformance.md: what both servers were asked, and how each of them answered.
import type { TourCase, TourChapter } from './case.ts';
import type { Observation } from './normalise.ts';

export interface Visited {
  real: Observation[];
  embedded: Observation[];
}

const leftOut = [
  '## Left out on purpose',
  '',
  'Nothing in the product calls these, so the embedded server does not have them:',
  '',
  '- kinds that are not compiled in: CustomResourceDefinitions cannot be written, and there are no Pods, Nodes, Jobs or Services;',
  '- RBAC, admission policies and bearer tokens: two roles, administrator and device, told apart by client certificate;',
  '- bodies in YAML but for applies, HEAD, lists of exactly one past version;',
  '- strategic merge patches proper: one is taken as a merge patch, so it replaces lists whole.',
  '',
];

export function renderReport(chapters: readonly TourChapter[], visited: ReadonlyMap<TourCase, Visited>, version: string): string {
  const total = [...visited.values()].length;
  const differing = [...visited.keys()].filter(({ differs }) => differs !== undefined).length;
  const lines = [
    '# Conformance of the embedded API server',
    '',
    `The same ${total} cases are asked of a real kube-apiserver (${version}, with kube-controller-manager) and of the embedded server. Every answer`,
    'is compared by status code, reason, fields and reasons of its causes, warnings, resulting object, and which manager owns which field; not by',
    `the words of messages. ${total - differing} of ${total} are equal; each difference is on purpose and says why.`,
    '',
    'Written by `CONFORMANCE=write npm run test:cluster`; the suite fails when it is out of date.',
    '',
  ];
  for (const chapter of chapters) {
    lines.push(`## ${chapter.title}`, '', '| case | real | embedded |', '|---|---|---|');
    for (const tourCase of chapter.cases) {
      const answers = visited.get(tourCase);
      if (!answers) continue;
      const embedded = tourCase.differs === undefined ? 'equal' : `${summary(answers.embedded)}: ${tourCase.differs}`;
      lines.push(`| ${tourCase.says} | ${summary(answers.real)} | ${embedded} |`);
    }
    lines.push('');
  }
  lines.push(...leftOut);
  return lines.join('\n');
}

/** Status codes and reasons in the order of the calls. */
function summary(observations: readonly Observation[]): string {
  const answers = observations.map(({ status, result }) => {
    if (status === undefined) return undefined;
    const reason = typeof result === 'object' && result !== null && !Array.isArray(result) ? result['reason'] : undefined;
    return status >= 400 && typeof reason === 'string' ? `${status} ${reason}` : String(status);
  });
  const said = answers.filter((answer) => answer !== undefined);
  return said.length === 0 ? 'as recorded' : said.join(', ');
}
