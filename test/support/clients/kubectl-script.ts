// Runs a written list of kubectl commands and keeps what a person would see: the commands, their output, their exit codes.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { microTime } from '../../../kube/meta/micro-time.ts';
import { type CommandResult, runCommand } from './command.ts';
import type { ServedKubeconfig } from './kubeconfig-file.ts';

export interface Step {
  /** What the chapter of the transcript is called. */
  title?: string;
  /** As typed, without `kubectl`; quotes as in a shell. */
  command: string;
  /** `$NAME` stands for what an earlier step kept under that name, `$NOW` for the time. */
  input?: string;
  editor?: string;
  /** Keeps the output under this name. */
  keepAs?: string;
  /** Runs beside the command, which must end by itself; typed once the command has had time to begin. */
  meanwhile?: readonly string[];
}

/** Runs the steps in order. Answers the transcript with everything that differs between two runs replaced. */
export async function playScript(
  served: ServedKubeconfig,
  files: Record<string, string>,
  steps: readonly Step[],
): Promise<string> {
  const directory = served.dataDirectory;
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  const kept = new Map([['NOW', microTime(Date.now())]]);
  const kubectl = (command: string, step?: Step) =>
    runCommand('kubectl', splitWords(command), {
      directory,
      environment: { ...served.environment, KUBE_EDITOR: step?.editor ?? 'false', KUBECTL_EXTERNAL_DIFF: 'diff -u' },
      ...(step?.input === undefined ? {} : { input: step.input.replace(/\$([A-Z]+)/g, (_, name) => kept.get(name) ?? '') }),
    });
  const chapters: string[] = [];
  for (const step of steps) {
    const running = kubectl(step.command, step);
    const notes: string[] = [];
    if (step.meanwhile) {
      await delay(1000); // kubectl says nothing when its watch stands
      for (const command of step.meanwhile) {
        await kubectl(command);
        notes.push(`  (meanwhile) $ kubectl ${command}`);
        await delay(200);
      }
    }
    const heading = step.title === undefined ? [] : [`## ${step.title}`, ''];
    const result = await running;
    if (step.keepAs !== undefined) kept.set(step.keepAs, result.stdout.trim());
    chapters.push([...heading, `$ kubectl ${step.command}`, ...notes, normalise(format(result)).trim(), ''].join('\n'));
  }
  return chapters.join('\n');
}

function format({ code, stdout, stderr }: CommandResult): string {
  const exit = code === 0 ? '' : `(exit code ${code})\n`;
  return `${stdout}${stderr}${exit}`;
}

/** Words as a shell would split them; single quotes keep spaces. */
function splitWords(command: string): string[] {
  return [...command.matchAll(/(?:[^\s']+|'[^']*')+/g)].map(([word]) => word.replaceAll("'", ''));
}

type Replacement = string | ((match: string) => string);

const replacements: readonly (readonly [RegExp, Replacement])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UID'],
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| [+-]\d{4})?/g, 'TIME'],
  [/(resourceVersion:|Resource Version:)(\s+)"?\d+"?/gi, '$1$2VERSION'],
  // An age of one digit and one of two take the same room in their column.
  [/\b\d+s( {2,}| *$)/gm, (match) => 'AGE'.padEnd(match.length)],
  [/\/tmp\/(LIVE|MERGED)-\d+/g, '$1'],
  [/https:\/\/127\.0\.0\.1:\d+/g, 'SERVER'],
  // Newer kubectl says where it deletes from.
  [/ deleted from \S+ namespace$/gm, ' deleted'],
  // Columns are as wide as the widest value in them, ages and times among those.
  [/[ \t]+$/gm, ''],
];

function normalise(text: string): string {
  return replacements.reduce(
    (result, [pattern, replacement]) => result.replace(pattern, replacement as (match: string) => string),
    text,
  );
}
