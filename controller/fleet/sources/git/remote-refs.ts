// Which commit a reference names at the remote. Pure.
import type { FleetRepositorySpec } from '../../../../crds/fleet-repository.ts';
import { SourceError } from '../source.ts';

export interface Commit {
  sha: string;
  /** As people know it from Flux: `main@sha1:…`, `v1.2@sha1:…`, `sha1:…`. */
  revision: string;
}

/** A revision has 256 characters in a status. */
const shownName = 200;

type Ref = FleetRepositorySpec['ref'];

/** Patterns for `git ls-remote --symref`; none when the spec names a commit. */
export function patternsFor(ref: Ref): string[] {
  if (ref?.commit !== undefined) return [];
  if (ref?.tag !== undefined) return [`refs/tags/${ref.tag}`, `refs/tags/${ref.tag}^{}`];
  return [ref?.branch === undefined ? 'HEAD' : `refs/heads/${ref.branch}`];
}

/** @param listing what `git ls-remote --symref` answered. @throws SourceError when the reference is not there. */
export function commitOf(ref: Ref, listing: string, url: string): Commit {
  if (ref?.commit !== undefined) return { sha: ref.commit, revision: `sha1:${ref.commit}` };
  const { shas, headBranch } = parseListing(listing);
  // An annotated tag is an object of its own; the line with ^{} is the commit that it points to.
  const found = patternsFor(ref)
    .map((pattern) => shas.get(pattern))
    .findLast((sha) => sha !== undefined);
  if (found === undefined) throw new SourceError('GitOperationFailed', missing(ref, url));
  if (found.length !== 40)
    throw new SourceError(
      'GitOperationFailed',
      `${url} names its commits by SHA-256, which is not supported: use a SHA-1 repository`,
      {
        permanent: true,
      },
    );
  return { sha: found, revision: `${(ref?.branch ?? ref?.tag ?? headBranch ?? 'HEAD').slice(0, shownName)}@sha1:${found}` };
}

function missing(ref: Ref, url: string): string {
  if (ref?.tag !== undefined) return `${url} has no tag ${ref.tag}: push it, or correct spec.ref.tag`;
  if (ref?.branch !== undefined)
    return `${url} has no branch ${ref.branch}: it was deleted or never pushed; what was applied stays. Push it, or correct spec.ref.branch`;
  return `${url} has no default branch: push one, or set spec.ref.branch`;
}

function parseListing(listing: string): { shas: Map<string, string>; headBranch?: string } {
  const shas = new Map<string, string>();
  let headBranch: string | undefined;
  for (const line of listing.split('\n')) {
    const [left = '', name] = line.split('\t');
    if (name === undefined) continue;
    if (left.startsWith('ref: ')) headBranch = left.slice('ref: '.length).replace(/^refs\/heads\//, '');
    else shas.set(name, left);
  }
  return { shas, ...(headBranch === undefined ? {} : { headBranch }) };
}
