/** Who sent a request, out of the client certificate. */
export interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

export const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };
export const adminGroup = 'system:masters';
