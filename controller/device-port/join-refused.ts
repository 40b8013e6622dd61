import type { JoinError } from '../../crds/join.ts';

/** The answer to a caller that does not get in: what is wrong, and the next step. */
export class JoinRefused extends Error {
  override readonly name = 'JoinRefused';
  readonly status: number;
  readonly answer: JoinError;
  constructor(status: number, answer: JoinError) {
    super(answer.error);
    this.status = status;
    this.answer = answer;
  }
}

export function refuse(status: number, reason: JoinError['reason'], error: string, next: string): JoinRefused {
  return new JoinRefused(status, { error, reason, next });
}
