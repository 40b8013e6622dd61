// What git says on its way out, as a reason and a next step. Pure.
import { toError } from '../../../../kube/api/api-error.ts';
import { SourceError } from '../source.ts';
import { GitError } from './run-git.ts';

const known: readonly { says: RegExp; reason: string; message: (url: string) => string }[] = [
  {
    says: /Authentication failed|could not read Username|HTTP 40[13]|The requested URL returned error: 40[13]|Permission denied \(publickey|terminal prompts disabled/,
    reason: 'AuthenticationFailed',
    message: (url) => `${url} does not let us in: correct the credentials in the Secret that spec.secretName names`,
  },
  {
    says: /Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED/,
    reason: 'AuthenticationFailed',
    message: (url) =>
      `the host key of ${url} is not the one in "known_hosts" of the Secret: compare it, then run ssh-keyscan again`,
  },
  {
    says: /unable to update url base from redirection|The requested URL returned error: 30\d/,
    reason: 'GitOperationFailed',
    message: (url) => `${url} redirects elsewhere, which is not followed: put the final address into spec.url`,
  },
  {
    says: /[Rr]epository .*not found|does not (appear to be a git repository|exist)|The requested URL returned error: 404|not found: did you run git update-server-info/,
    reason: 'GitOperationFailed',
    message: (url) => `there is no repository at ${url}, or these credentials may not see it: correct spec.url or the Secret`,
  },
  {
    says: /SSL certificate problem|server certificate verification failed|unable to get local issuer/,
    reason: 'GitOperationFailed',
    message: (url) =>
      `the certificate of ${url} is not trusted: put its CA into "ca.crt" of the Secret that spec.secretName names`,
  },
  {
    says: /Could not resolve host|Temporary failure in name resolution/,
    reason: 'GitOperationFailed',
    message: (url) => `the host of ${url} cannot be resolved: correct spec.url, or see to the name service`,
  },
  {
    says: /transport '[^']+' not allowed/,
    reason: 'SourceNotAllowed',
    message: (url) => `${url} is not allowed here: use https:// or ssh://`,
  },
  {
    says: /not our ref|unadvertised object|couldn't find remote ref/,
    reason: 'GitOperationFailed',
    message: (url) => `${url} no longer has the revision that was asked for: correct spec.ref, or wait for the next attempt`,
  },
  {
    says: /dubious ownership/,
    reason: 'GitOperationFailed',
    message: (url) => `${url} belongs to another user of this machine: give it to the user that the controller runs as`,
  },
];

/** Whether it is what the other side, or the way there, said: another copy here would change nothing. */
export function isOfTheRemote({ stderr }: GitError): boolean {
  return known.some(({ says }) => says.test(stderr));
}

/** Credentials never reach a message: they are in headers and files, not in the address. */
export function explainFailure(error: unknown, url: string): SourceError {
  if (error instanceof SourceError) return error;
  if (error instanceof GitError) {
    const entry = known.find(({ says }) => says.test(error.stderr));
    if (entry) return new SourceError(entry.reason, entry.message(url), { cause: error });
    return new SourceError('GitOperationFailed', `${url}: ${lastWords(error)}`, { cause: error });
  }
  return new SourceError('GitOperationFailed', `${url}: ${toError(error).message}`, {
    cause: error,
  });
}

function lastWords({ stderr, exitCode }: GitError): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const fatal = lines.findLast((line) => /^(fatal|error):/.test(line)) ?? lines.at(-1);
  return (fatal ?? `git ended with ${exitCode}`).slice(0, 500);
}
