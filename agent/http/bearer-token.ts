import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether an Authorization header carries one of the tokens; compared in constant time. */
export function carriesToken(authorization: string | undefined, tokens: readonly string[]): boolean {
  const given = digestOf(/^Bearer (.+)$/i.exec(authorization ?? '')?.[1] ?? '');
  return tokens.filter((token) => timingSafeEqual(given, digestOf(token))).length > 0;
}

const digestOf = (text: string) => createHash('sha256').update(text).digest();
