// The CEL dialect of x-kubernetes-validations: the language's own functions, and those of Kubernetes' libraries that rules use.

import { type ASTNode, Environment } from '@marcbachmann/cel-js';

/** `self` is the value the rule is on, `oldSelf` the one it replaces. */
export function celEnvironment(oldSelf: 'value' | 'optional'): Environment {
  const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false });
  environment.registerVariable('self', 'dyn');
  environment.registerVariable('oldSelf', oldSelf === 'optional' ? 'optional<dyn>' : 'dyn');
  environment.registerFunction('hasMember(ast): bool', hasMember);
  registerLists(environment);
  registerStrings(environment);
  return environment;
}

/**
 * The library's own has() takes names and dots only, while CEL also allows `has(self[0].a)`. So `has` is another macro here, under
 * another name because a built-in one cannot be replaced.
 */
export function withGeneralHas(expression: string): string {
  return expression.replaceAll(
    /("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?<![\w.])has\s*\(/g,
    (_, text: string | undefined) => text ?? 'hasMember(',
  );
}

interface Macro {
  object: ASTNode;
  member: string;
}

function hasMember({ args }: { args: readonly ASTNode[] }) {
  const [argument] = args;
  const [object, member] = argument?.op === '.' ? argument.args : [];
  if (object === undefined || typeof member !== 'string') throw new SyntaxError('has() takes a member, such as has(self.a)');
  return {
    object,
    member,
    typeCheck(
      checker: { check(node: ASTNode, context: unknown): unknown; getType(name: string): unknown },
      macro: Macro,
      context: unknown,
    ) {
      checker.check(macro.object, context);
      return checker.getType('bool');
    },
    evaluate(evaluator: { run(node: ASTNode, context: unknown): unknown }, macro: Macro, context: unknown): boolean {
      const value = evaluator.run(macro.object, context);
      return typeof value === 'object' && value !== null && Object.hasOwn(value, macro.member);
    },
  };
}

function registerLists(environment: Environment): void {
  environment.registerFunction('list.isSorted(): bool', (list: Ordered[]) =>
    list.every((item, at) => at === 0 || !isGreater(list[at - 1], item)),
  );
  environment.registerFunction('list.sum(): dyn', (list: (number | bigint)[]) =>
    list.every((item) => typeof item === 'bigint')
      ? list.reduce((sum, item) => sum + item, 0n)
      : list.reduce((sum: number, item) => sum + Number(item), 0),
  );
  environment.registerFunction('list.min(): dyn', (list: Ordered[]) => extreme(list, 'min'));
  environment.registerFunction('list.max(): dyn', (list: Ordered[]) => extreme(list, 'max'));
}

type Ordered = number | bigint | string | boolean | Date;

function isGreater(left: Ordered | undefined, right: Ordered): boolean {
  return left !== undefined && left > right;
}

function extreme(list: readonly Ordered[], which: 'min' | 'max'): Ordered {
  const [first, ...rest] = list;
  if (first === undefined) throw new RangeError(`${which} called on empty list`);
  return rest.reduce((found, item) => (isGreater(found, item) === (which === 'min') ? item : found), first);
}

function registerStrings(environment: Environment): void {
  environment.registerFunction('string.replace(string, string): string', (text: string, old: string, next: string) =>
    text.split(old).join(next),
  );
}
