import { type ProxyFault } from './fault-proxy';
import { type SeededRandom } from '../support/seeded-random';

export type Service =
  | 'fastpath-gateway'
  | 'sandbox-controller'
  | 'pool-controller'
  | 'janitor'
  | 'agent'
  | 'node'
  | 'apiserver'
  | 'supervisor'
  | 'containerd';

export type Fault =
  /** `which` in [0, 1): picks among the replicas or agents alive at that time; `leader`: the holder of the Lease */
  | {
      readonly type: 'signal';
      readonly service: Service;
      readonly signal: 'SIGKILL' | 'SIGTERM';
      readonly which: number | 'leader';
    }
  | { readonly type: 'pause'; readonly service: Service; readonly which: number | 'leader'; readonly ms: number }
  /** an agent Pod is deleted: its sandboxes become Lost or are recreated elsewhere */
  | { readonly type: 'pod'; readonly which: number }
  /** SIGKILL to a shim: all sandboxes of its group end */
  | { readonly type: 'shim'; readonly which: number }
  /** a gateway, and the leading sandbox-controller that would adopt its containers */
  | { readonly type: 'pair'; readonly which: number }
  | { readonly type: 'api'; readonly fault: ProxyFault; readonly ms: number }
  /** workers only create, so that the pool fills up */
  | { readonly type: 'fill'; readonly ms: number };

export interface PlannedFault {
  /** milliseconds since the start of the load */
  readonly atMs: number;
  readonly fault: Fault;
}

type Kind = readonly [weight: number, make: (random: SeededRandom) => Fault];

const signal =
  (service: Service, name: 'SIGKILL' | 'SIGTERM', leader = false) =>
  (random: SeededRandom): Fault => ({
    type: 'signal',
    service,
    signal: name,
    which: leader ? 'leader' : random.next(),
  });
const pause =
  (service: Service, leader = false) =>
  (random: SeededRandom): Fault => ({
    type: 'pause',
    service,
    which: leader ? 'leader' : random.next(),
    ms: random.between(2_000, 7_000),
  });
const api =
  (answer: ProxyFault['answer']) =>
  (random: SeededRandom): Fault => ({
    type: 'api',
    fault: {
      answer,
      clients: random.pick(['all', 'fastpath-gateway', 'sandbox-controller', 'pool-controller', 'janitor', 'node']),
      methods: random.pick(['all', 'writes', 'reads']),
      share: random.pick([1, 1, 0.5]),
    },
    ms: random.between(2_000, 9_000),
  });

/** The deck of faults: dealt completely before it is shuffled again, so that two minutes show nearly every kind. */
const KINDS: readonly Kind[] = [
  [3, signal('fastpath-gateway', 'SIGKILL')],
  [1, signal('fastpath-gateway', 'SIGTERM')],
  [2, pause('fastpath-gateway')],
  [2, signal('sandbox-controller', 'SIGKILL', true)],
  [1, signal('sandbox-controller', 'SIGTERM', true)],
  [1, pause('sandbox-controller', true)],
  [1, signal('pool-controller', 'SIGKILL', true)],
  [1, pause('pool-controller', true)],
  [1, signal('janitor', 'SIGKILL')],
  [1, pause('janitor')],
  [2, signal('agent', 'SIGKILL')],
  [1, signal('agent', 'SIGTERM')],
  [2, pause('agent')],
  [1, signal('node', 'SIGKILL')],
  [1, pause('node')],
  [1, signal('apiserver', 'SIGKILL')],
  [1, signal('apiserver', 'SIGTERM')],
  [1, pause('apiserver')],
  [1, signal('supervisor', 'SIGKILL')],
  [1, signal('containerd', 'SIGKILL')],
  [1, pause('containerd')],
  [2, (random) => ({ type: 'pair', which: random.next() })],
  [1, (random) => ({ type: 'shim', which: random.next() })],
  [1, (random) => ({ type: 'pod', which: random.next() })],
  [1, api('500')],
  [1, api('409')],
  [1, api('429')],
  [1, api('nothing')],
  [1, api('drop')],
  [2, (random) => ({ type: 'fill', ms: random.between(4_000, 8_000) })],
];

/** The schedule of faults. Pure: depends on the random stream only. */
export function planFaults(random: SeededRandom, durationMs: number): PlannedFault[] {
  const plan: PlannedFault[] = [];
  let deck: Kind[] = [];
  let atMs = 3_000;
  while (atMs < durationMs) {
    if (deck.length === 0) deck = random.shuffled(KINDS.flatMap((kind) => Array.from({ length: kind[0] }, () => kind)));
    const kind = deck.pop();
    if (kind) plan.push({ atMs, fault: kind[1](random) });
    atMs += random.between(2_000, 6_000);
  }
  return plan;
}

export function describe(fault: Fault): string {
  switch (fault.type) {
    case 'signal':
      return `${fault.signal} to ${named(fault)}`;
    case 'pause':
      return `${named(fault)} paused for ${fault.ms} ms`;
    case 'pair':
      return 'SIGKILL to a gateway and the leading sandbox-controller';
    case 'pod':
      return 'deletion of an agent Pod';
    case 'shim':
      return 'SIGKILL to a shim';
    case 'api': {
      const { answer, clients, methods, share } = fault.fault;
      return `API answers ${answer} to ${methods} of ${clients} (share ${share}) for ${fault.ms} ms`;
    }
    case 'fill':
      return `the pool is filled for ${fault.ms} ms`;
  }
}

function named({ service, which }: { service: Service; which: number | 'leader' }): string {
  return which === 'leader' ? `leading ${service}` : service;
}
