import { mayHoldSlot, type SandboxPhase } from '@fsb/api/phases';
import { API_VERSION, type Sandbox } from '@fsb/api/sandbox';

/** What the Sandboxes of a pool ask of it. */
export interface Demand {
  /** have a slot */
  readonly active: number;
  /** want one */
  readonly pending: number;
  /** by agent Pod: sandboxes that hold a slot there, or held one until a moment ago */
  readonly onAgent: ReadonlyMap<string, number>;
  /** by agent Pod: ended ones, whose log goes with the agent */
  readonly endedOnAgent: ReadonlyMap<string, number>;
  /** by port: how many want a slot and it */
  readonly pendingPorts: ReadonlyMap<number, number>;
  /** by port: the agent Pods that have given it away, with how many there hold it */
  readonly portUsers: ReadonlyMap<number, ReadonlyMap<string, number>>;
}

/** One Sandbox's part in it. */
export interface Share {
  /** `namespace/name` */
  readonly pool: string;
  /** absent: it has ended, or is about to */
  readonly wants: 'active' | 'pending' | undefined;
  /** its agent Pod; empty: none */
  readonly agent: string;
  /** it may have a slot there; else its log at most */
  readonly holds: boolean;
  readonly ports: readonly number[];
}

export function shareOf(sandbox: Sandbox): Share {
  const { metadata, spec, status } = sandbox;
  const { phase = 'Pending', assignedPod: agent = '' } = status ?? {};
  const placed = agent !== '' && phase !== 'Lost';
  return {
    pool: `${metadata.namespace ?? ''}/${spec.poolRef}`,
    wants: wantsSlot(sandbox, phase) ? (placed ? 'active' : 'pending') : undefined,
    agent,
    holds: mayHoldSlot(phase),
    ports: spec.exposedPorts ?? [],
  };
}

/** All of a Sandbox that its share is made from: of fifty thousand a cache need not hold more. */
export function demandPart({ metadata, spec, status }: Sandbox): Sandbox {
  const { namespace = '', name = '', resourceVersion = '', deletionTimestamp } = metadata;
  const { poolRef, failurePolicy, exposedPorts } = spec;
  const { phase, assignedPod } = status ?? {};
  return {
    ...{ apiVersion: API_VERSION, kind: 'Sandbox' },
    metadata: { namespace, name, resourceVersion, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
    spec: {
      ...{ image: '', poolRef },
      ...(failurePolicy === undefined ? {} : { failurePolicy }),
      ...(exposedPorts === undefined || exposedPorts.length === 0 ? {} : { exposedPorts }),
    },
    status: { ...(phase === undefined ? {} : { phase }), ...(assignedPod === undefined ? {} : { assignedPod }) },
  };
}

/** An ended sandbox that still counted would keep a pool large for ever. */
function wantsSlot({ metadata, spec }: Sandbox, phase: SandboxPhase): boolean {
  if (metadata.deletionTimestamp !== undefined) return false;
  if (phase === 'Lost') return spec.failurePolicy === 'AutoRecreate';
  return phase === 'Pending' || phase === 'Bound' || phase === 'Running';
}
