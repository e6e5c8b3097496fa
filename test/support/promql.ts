import { parser } from '@prometheus-io/lezer-promql';

export interface Matcher {
  readonly label: string;
  /** `=`, `!=`, `=~`, `!~` */
  readonly operator: string;
  readonly value: string;
}

export interface Selector {
  readonly metric: string;
  readonly matchers: readonly Matcher[];
}

export interface Query {
  readonly selectors: readonly Selector[];
  /** labels of `by`, `on` and the like */
  readonly grouping: readonly string[];
}

type Node = ReturnType<typeof parser.parse>['topNode'];

/** Selectors and grouping labels of a PromQL expression. @throws Error when the expression does not parse */
export function readQuery(expression: string): Query {
  const { topNode } = parser.parse(expression);
  const textOf = (node: Node | null): string => (node ? expression.slice(node.from, node.to) : '');
  const matcherOf = (node: Node): Matcher => ({
    label: textOf(node.getChild('LabelName')),
    operator: textOf(node.getChild('MatchOp')),
    value: textOf(node.getChild('StringLiteral')).slice(1, -1),
  });
  const selectorOf = (node: Node): Selector => ({
    metric: textOf(node.getChild('Identifier')),
    matchers: (node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []).map(matcherOf),
  });
  const all = nodesOf(topNode);
  const broken = all.find(({ type }) => type.isError);
  if (broken) throw new Error(`not PromQL at ${broken.from}: ${expression}`);
  const named = (name: string): Node[] => all.filter((node) => node.name === name);
  return {
    selectors: named('VectorSelector').map(selectorOf),
    grouping: named('GroupingLabels').flatMap((node) => node.getChildren('LabelName').map(textOf)),
  };
}

function nodesOf(node: Node): Node[] {
  const found = [node];
  for (let child = node.firstChild; child; child = child.nextSibling) found.push(...nodesOf(child));
  return found;
}
