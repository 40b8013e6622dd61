// The CEL dialect of x-kubernetes-validations: the language's own functions, and isSorted of Kubernetes' libraries, which is the one that our rules use.
import { type ASTNode, Environment } from '@marcbachmann/cel-js';

/** `self` is the value the rule is on, `oldSelf` the one it replaces. */
export function celEnvironment(): Environment {
  const environment = new Environment({ homogeneousAggregateLiterals: false });
  environment.registerVariable('self', 'dyn');
  environment.registerVariable('oldSelf', 'dyn');
  environment.registerFunction('hasMember(ast): bool', hasMember);
  environment.registerFunction('list.isSorted(): bool', isSorted);
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

type Ordered = number | bigint | string | boolean | Date;

function isSorted(list: readonly Ordered[]): boolean {
  return list.every((item, at) => {
    const before = list[at - 1];
    return before === undefined || before <= item;
  });
}
