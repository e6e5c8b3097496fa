import { isDeepStrictEqual } from 'node:util';
import { isJson } from '../kube-object';

export interface Operands {
  readonly self: unknown;
  /** the value before an update */
  readonly oldSelf?: unknown;
}
type Value = (operands: Operands) => unknown;
type Test = (operands: Operands) => boolean;

const TOKENS = /\s*(\|\||&&|==|<=|!|\(|\)|\d+|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)/y;
const COMPARISONS: Readonly<Record<string, (left: unknown, right: unknown) => boolean>> = {
  '==': isDeepStrictEqual,
  '<=': (left, right) => Number(left) <= Number(right),
};

/**
 * Compiles the subset of the Common Expression Language that the CRDs of Fast Sandbox use: `has(path)`, `==` and `<=`
 * of paths and whole numbers, `!`, `&&`, `||` and parentheses. A path begins with `self` or `oldSelf`.
 * @returns the rule; it throws Error when a path leads to an absent field, as CEL does
 * @throws Error for any other syntax: a rule that cannot be evaluated must not pass for one that holds
 * @example compileRule('!has(self.a) || self.a <= self.b')({ self: { a: 1, b: 2 } }); // true
 */
export function compileRule(rule: string): Test {
  return new RuleParser(rule).parse();
}

/** Recursive descent parser with a method for each level of precedence. */
class RuleParser {
  private readonly tokens: string[];

  constructor(private readonly rule: string) {
    this.tokens = tokensOf(rule);
  }

  parse(): Test {
    const test = this.either();
    if (this.tokens.length > 0) throw this.unknown();
    return test;
  }

  private either(): Test {
    const left = this.both();
    if (!this.takes('||')) return left;
    const right = this.either();
    return (operands) => left(operands) || right(operands);
  }

  private both(): Test {
    const left = this.single();
    if (!this.takes('&&')) return left;
    const right = this.both();
    return (operands) => left(operands) && right(operands);
  }

  private single(): Test {
    if (this.takes('!')) {
      const inner = this.single();
      return (operands) => !inner(operands);
    }
    if (this.takes('(')) {
      const inner = this.either();
      this.expect(')');
      return inner;
    }
    return this.comparison();
  }

  /** A comparison of two values, or `has(path)` alone. */
  private comparison(): Test {
    const isPresence = this.tokens[0] === 'has';
    const left = this.value();
    const operator = this.tokens[0] ?? '';
    const compare = Object.hasOwn(COMPARISONS, operator) ? COMPARISONS[operator] : undefined;
    if (!compare && isPresence) return (operands) => left(operands) === true;
    if (!compare) throw this.unknown();
    this.tokens.shift();
    const right = this.value();
    return (operands) => compare(left(operands), right(operands));
  }

  private value(): Value {
    if (this.takes('has')) return this.presence();
    const token = this.tokens.shift() ?? '';
    if (/^\d+$/.test(token)) return () => Number(token);
    const path = this.path(token);
    return (operands) => {
      const { isThere, value } = found(operands, path);
      if (!isThere) throw new Error(`no such key: ${path.join('.')}`);
      return value;
    };
  }

  private presence(): Value {
    this.expect('(');
    const path = this.path(this.tokens.shift() ?? '');
    this.expect(')');
    return (operands) => found(operands, path).isThere;
  }

  private path(token: string): readonly string[] {
    const path = token.split('.');
    if (path[0] !== 'self' && path[0] !== 'oldSelf') throw this.unknown(token);
    return path;
  }

  private takes(token: string): boolean {
    if (this.tokens[0] !== token) return false;
    this.tokens.shift();
    return true;
  }

  private expect(token: string): void {
    if (!this.takes(token)) throw this.unknown();
  }

  private unknown(token = this.tokens[0] ?? 'its end'): Error {
    return new Error(`the rule "${this.rule}" cannot be evaluated here because of ${token}`);
  }
}

/** @throws Error when a part of the rule is no token */
function tokensOf(rule: string): string[] {
  const tokens: string[] = [];
  const pattern = new RegExp(TOKENS);
  const text = rule.trim();
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    const [, token] = pattern.exec(text) ?? [];
    if (token === undefined) throw new Error(`the rule "${rule}" cannot be evaluated here from "${text.slice(at)}" on`);
    tokens.push(token);
  }
  return tokens;
}

function found(operands: Operands, [root, ...steps]: readonly string[]): { isThere: boolean; value: unknown } {
  let value: unknown = root === 'self' ? operands.self : operands.oldSelf;
  for (const step of steps) {
    if (!isJson(value) || !Object.hasOwn(value, step)) return { isThere: false, value: undefined };
    value = value[step];
  }
  return { isThere: true, value };
}
