import { mayHoldSlot, type SandboxPhase } from '@fsb/api/phases';
import { API_VERSION, type Sandbox } from '@fsb/api/sandbox';

/** Demand of a pool's Sandbox objects. */
export interface PoolLoad {
  /** sandboxes with a slot */
  readonly active: number;
  /** sandboxes that wait for one */
  readonly pending: number;
  /** sandboxes that hold a slot, or did until a moment ago, by agent Pod */
  readonly onAgent: ReadonlyMap<string, number>;
  /** ended sandboxes, whose logs go with the agent, by agent Pod */
  readonly endedOnAgent: ReadonlyMap<string, number>;
  /** pending sandboxes by port */
  readonly pendingPorts: ReadonlyMap<number, number>;
  /** by port: the agent Pods that have given it, with their number of sandboxes that hold it */
  readonly portUsers: ReadonlyMap<number, ReadonlyMap<string, number>>;
}

/** One Sandbox's part in its pool's demand. */
export interface Share {
  /** `namespace/name` */
  readonly pool: string;
  /** absent: it has ended or is ending */
  readonly wants: 'active' | 'pending' | undefined;
  /** name of its agent Pod; empty: none */
  readonly agent: string;
  /** it may hold a slot there; otherwise at most its log is left */
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

/** The fields of a Sandbox that {@link shareOf} reads, so that a cache of 50,000 stays small. */
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

/** Ended sandboxes do not count: they would keep a pool large for ever. */
function wantsSlot({ metadata, spec }: Sandbox, phase: SandboxPhase): boolean {
  if (metadata.deletionTimestamp !== undefined) return false;
  if (phase === 'Lost') return spec.failurePolicy === 'AutoRecreate';
  return phase === 'Pending' || phase === 'Bound' || phase === 'Running';
}
