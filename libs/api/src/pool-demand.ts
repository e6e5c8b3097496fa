import { z } from 'zod';
import { POOL_LABEL } from './labels';
import { API_VERSION, type ObjectMeta } from './sandbox';

/**
 * How creates that no agent had room for reach the pool-controller: they have no Sandbox object that could ask for an
 * agent. Each gateway replica keeps one ConfigMap a pool, writes it at most once a second, and removes it when nothing is
 * unmet any more; one that is not written for DEMAND_TTL_MS is that of a dead gateway.
 */
const POOL_DEMAND_LABEL = 'fast-sandbox.io/pool-demand';
export const POOL_DEMAND_SELECTOR = `${POOL_DEMAND_LABEL}=true`;
/** So long after its last refusal a create still counts: its caller may come again. */
export const DEMAND_TTL_MS = 30_000;
/** More than that is not believed: whoever may write ConfigMaps must not order agents without end. */
export const MAX_UNMET = 10_000;

export interface PoolDemand {
  readonly namespace: string;
  readonly pool: string;
  /** of the SandboxPool: one of the same name that came later has not been asked */
  readonly poolUid: string;
  /** distinct sandboxes that were refused and not made since */
  readonly unmet: number;
  /** how many of them want each port: an agent gives a port once */
  readonly ports: ReadonlyMap<number, number>;
}

/** The ConfigMap, as its JSON says it. */
export interface PoolDemandObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  data?: Record<string, string>;
}

/** Further ports are not told: those that most creates want decide how many agents are needed. */
const MAX_PORTS = 100;

const count = z
  .string()
  .regex(/^\d{1,9}$/)
  .transform((digits) => Math.min(Number(digits), MAX_UNMET));
/** `8080=2 9090=1`; an older gateway tells none */
const ports = z
  .string()
  .max(MAX_PORTS * 16)
  .regex(/^(\d{1,5}=\d{1,9}( |$))*$/)
  .default('')
  .transform(
    (text) =>
      new Map(
        text
          .split(' ')
          .filter(Boolean)
          .map((pair) => portOf(pair)),
      ),
  );
const Data = z.object({ unmet: count, ports });

/** @param replica tells the gateway processes apart; part of the name */
export function poolDemandName(pool: string, replica: string): string {
  return `${pool}-demand-${replica}`;
}

/** It goes with its pool. The time makes each writing a change, which is how a reader knows that the writer lives. */
export function makePoolDemand(
  { namespace, pool, poolUid, unmet, ports: wanted }: PoolDemand,
  replica: string,
  lastRefusal: Date,
): PoolDemandObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: poolDemandName(pool, replica),
      namespace,
      labels: { [POOL_LABEL]: pool, [POOL_DEMAND_LABEL]: 'true' },
      ownerReferences: [{ apiVersion: API_VERSION, kind: 'SandboxPool', name: pool, uid: poolUid }],
    },
    data: {
      unmet: String(Math.min(unmet, MAX_UNMET)),
      ...(wanted.size > 0 ? { ports: textOf(wanted) } : {}),
      lastRefusal: lastRefusal.toISOString(),
    },
  };
}

function textOf(wanted: PoolDemand['ports']): string {
  const most = [...wanted].sort(([, one], [, other]) => other - one).slice(0, MAX_PORTS);
  return most.map(([port, creates]) => `${port}=${Math.min(creates, MAX_UNMET)}`).join(' ');
}

function portOf(pair: string): [number, number] {
  const [port, creates] = pair.split('=').map(Number);
  return [port ?? 0, Math.min(creates ?? 0, MAX_UNMET)];
}

/** Undefined where it is none: anybody may write a ConfigMap. */
export function readPoolDemand({ metadata, data }: PoolDemandObject): PoolDemand | undefined {
  const pool = metadata.labels?.[POOL_LABEL];
  const owner = metadata.ownerReferences?.find(({ kind, name }) => kind === 'SandboxPool' && name === pool);
  const parsed = Data.safeParse(data);
  if (pool === undefined || owner === undefined || !parsed.success) return undefined;
  return { namespace: metadata.namespace ?? '', pool, poolUid: owner.uid, ...parsed.data };
}
