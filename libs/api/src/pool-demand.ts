import { z } from 'zod';
import { POOL_LABEL } from './labels';
import { API_VERSION, type ObjectMeta } from './sandbox';

/**
 * Demand of a pool: its creates that were refused for want of room. They have no Sandbox object by which the
 * pool-controller could count them. Each gateway replica keeps one ConfigMap per pool, writes it at most once a second,
 * and removes it once no create is unmet. One that is not written for DEMAND_TTL_MS belongs to a dead gateway.
 */
const POOL_DEMAND_LABEL = 'fast-sandbox.io/pool-demand';
export const POOL_DEMAND_SELECTOR = `${POOL_DEMAND_LABEL}=true`;
/** Time for which a refused create counts after its last refusal: its caller may retry. */
export const DEMAND_TTL_MS = 30_000;
/** Upper bound of the unmet creates. Without it, anyone who may write ConfigMaps could request agents without limit. */
export const MAX_UNMET = 10_000;

export interface PoolDemand {
  readonly namespace: string;
  readonly pool: string;
  /** of the SandboxPool; the demand does not apply to a later pool of the same name */
  readonly poolUid: string;
  /** distinct sandboxes that were refused and not created since */
  readonly unmet: number;
  /** unmet creates by the port that they need; an agent gives each port once */
  readonly ports: ReadonlyMap<number, number>;
}

/** The ConfigMap as JSON. */
export interface PoolDemandObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  data?: Record<string, string>;
}

/** Ports written, the most wanted first: these decide how many agents are needed. */
const MAX_PORTS = 100;

const count = z
  .string()
  .regex(/^\d{1,9}$/)
  .transform((digits) => Math.min(Number(digits), MAX_UNMET));
/** `8080=2 9090=1`; absent from an older gateway */
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

/** @param replica identifies the gateway process; part of the name */
export function poolDemandName(pool: string, replica: string): string {
  return `${pool}-demand-${replica}`;
}

/**
 * The ConfigMap to write, owned by its pool.
 * @param lastRefusal makes each write a change, by which a reader sees that the writer is alive
 */
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

/** The demand in a ConfigMap. @returns undefined if malformed or not owned by its pool: anyone may write ConfigMaps */
export function readPoolDemand({ metadata, data }: PoolDemandObject): PoolDemand | undefined {
  const pool = metadata.labels?.[POOL_LABEL];
  const owner = metadata.ownerReferences?.find(({ kind, name }) => kind === 'SandboxPool' && name === pool);
  const parsed = Data.safeParse(data);
  if (pool === undefined || owner === undefined || !parsed.success) return undefined;
  return { namespace: metadata.namespace ?? '', pool, poolUid: owner.uid, ...parsed.data };
}
