// Sizes of open dimensions, as a person gives them.
import { usageError } from '../exit-codes.ts';

/** `height=224` by symbol, `input.2=224` by place. @throws CommandError for anything else. */
export function parseDimensions(flags: readonly string[] = []): Record<string, number> {
  return Object.fromEntries(
    flags.map((text) => {
      const [, name = '', size = ''] = /^(.+)=([1-9]\d{0,8})$/.exec(text) ?? [];
      if (name === '') throw usageError(`--dimension ${text} is not NAME=SIZE`, 'write for example --dimension height=224');
      return [name, Number(size)];
    }),
  );
}
