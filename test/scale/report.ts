import { type Compared, type Result } from './result';
import { type Account, type Work } from './stack/ledger';

type Row = readonly (string | number)[];

/** The figures as Markdown, as in docs/scale.md. */
export function tables(result: Result): string {
  return [memoryTable(result), fillTable(result), comparedTable(result), restartTable(result), otherTable(result)].join(
    '\n',
  );
}

function memoryTable({ memory }: Result): string {
  const names = Object.keys(memory[0]?.services ?? {});
  const rows = memory.map(({ sandboxes, services }) => [
    sandboxes,
    ...names.map((name) => {
      const { rssMiB = 0, pssMiB = 0, heapMiB = 0 } = services[name] ?? {};
      return `${rssMiB.toFixed(0)} / ${pssMiB.toFixed(0)}${heapMiB > 0 ? ` / ${heapMiB.toFixed(0)}` : ''}`;
    }),
  ]);
  return table('Memory, MiB: RSS / PSS / used heap', ['sandboxes', ...names], rows);
}

function fillTable({ fill }: Result): string {
  const head = ['from', 'to', 'creates/s', 'p50 ms', 'p99 ms', 'max ms', 'all written after s', 'CPU s by process'];
  const rows = fill.map(({ from, to, createsPerSecond, latencies, account }) => [
    ...[from, to, createsPerSecond.toFixed(0), latencies.p50Ms.toFixed(1), latencies.p99Ms.toFixed(1)],
    ...[
      latencies.maxMs.toFixed(0),
      account.seconds.toFixed(0),
      perService(account, ({ cpuSeconds }) => cpuSeconds.toFixed(1)),
    ],
  ]);
  return table('Filling', head, rows);
}

function comparedTable({ compared }: Result): string {
  const names = Object.keys(compared[0]?.churn.services ?? {});
  const of = (account: Account, name: string, field: keyof Work): number => account.services[name]?.[field] ?? 0;
  const row = (name: string, what: string, value: (at: Compared) => number, digits: number): Row => [
    ...[name, what],
    ...compared.map((at) => value(at).toFixed(digits)),
  ];
  const rows = names.flatMap((name) => [
    row(name, 'idle: CPU ms a second', ({ idle }) => (of(idle, name, 'cpuSeconds') * 1000) / idle.seconds, 1),
    row(name, 'CPU s per 1,000 changes', ({ churn, changes }) => (of(churn, name, 'cpuSeconds') * 1000) / changes, 2),
    row(name, 'API calls per change', ({ churn, changes }) => of(churn, name, 'requests') / changes, 2),
    row(name, 'reconciles per change', ({ churn, changes }) => of(churn, name, 'reconciles') / changes, 2),
    row(name, 'KiB read per change', ({ churn, changes }) => of(churn, name, 'readBytes') / changes / 1024, 1),
    row(name, 'KiB written per change', ({ churn, changes }) => of(churn, name, 'writtenBytes') / changes / 1024, 1),
  ]);
  const shown = rows.filter((cells) => cells.slice(2).some((cell) => Number(cell) > 0));
  return table('Cost with size', ['process', 'what', ...compared.map(({ sandboxes }) => `at ${sandboxes}`)], shown);
}

function restartTable({ restarts }: Result): string {
  const head = ['killed with -9', 'ready after s', 'at work after s more', 'its CPU s', 'list pages of all'];
  const rows = restarts.map(({ service, readySeconds, workSeconds, cpuSeconds, listPages }) => [
    ...[service, readySeconds.toFixed(1), workSeconds.toFixed(1), cpuSeconds.toFixed(1), listPages],
  ]);
  return table('Restarts', head, rows);
}

function otherTable({ lists, loss, agentsReadySeconds, settings, unexpectedEnds }: Result): string {
  const { seconds: lossSeconds, account } = loss;
  return table(
    'Besides',
    ['what', 'figure'],
    [
      [`until ${settings.agents} agents run`, `${agentsReadySeconds.toFixed(1)} s`],
      [
        `ListSandboxes, ${lists.items} in ${lists.pages} pages of 500`,
        `${lists.seconds.toFixed(2)} s, slowest page ${lists.slowestPageMs.toFixed(0)} ms, gateway CPU ${lists.gatewayCpuSeconds.toFixed(2)} s`,
      ],
      ['ListSandboxes, one answer', `${lists.wholeSeconds.toFixed(2)} s`],
      [
        `kubectl get --chunk-size=500, ${lists.kubectlItems}`,
        `${lists.kubectlSeconds.toFixed(1)} s, API server CPU ${lists.apiserverCpuSeconds.toFixed(1)} s`,
      ],
      [
        `${loss.agents} agents lost with ${loss.sandboxes} sandboxes`,
        `${loss.lost} Lost, ${loss.recreated} recreated, ${lossSeconds.toFixed(1)} s`,
      ],
      [
        'processes that ended by themselves',
        Object.entries(unexpectedEnds)
          .map(([name, ends]) => `${name} ${ends}`)
          .join(', '),
      ],
      ['of that, API calls', perService(account, ({ requests }) => String(requests))],
      ['of that, CPU s', perService(account, ({ cpuSeconds }) => cpuSeconds.toFixed(1))],
    ],
  );
}

function perService({ services }: Account, show: (work: Work) => string): string {
  return Object.entries(services)
    .map(([name, work]) => `${name} ${show(work)}`)
    .join(', ');
}

function table(title: string, head: Row, rows: readonly Row[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return `### ${title}\n\n${lines.join('\n')}\n`;
}
