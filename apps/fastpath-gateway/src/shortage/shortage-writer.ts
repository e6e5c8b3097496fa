import { randomBytes } from 'node:crypto';
import { isApiError } from '@fsb/api/errors';
import { makePoolDemand, poolDemandName } from '@fsb/api/pool-demand';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { CONFIG_MAP_KIND, type ConfigMap, splitKey } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type Reconciler, type Result } from '@fsb/controller-runtime/reconciler';
import { type Unmet, type UnmetCreates } from './unmet-creates';

export interface ShortageWriterParts {
  readonly client: KubeClient;
  readonly unmet: UnmetCreates;
  readonly pool: (key: string) => SandboxPool | undefined;
}

interface Written extends Pick<Unmet, 'count' | 'lastRefusal'> {
  /** Unix milliseconds */
  readonly at: number;
}

const EVERY_MS = 1_000;
const WRITE_MS = 5_000;

/**
 * Writes the number of unmet creates of each pool into a ConfigMap of this replica, at most once a second for each
 * pool.
 */
export class ShortageWriter implements Reconciler {
  /** part of the object's name; objects of an earlier process expire by themselves */
  private readonly replica = randomBytes(4).toString('hex');
  private readonly written = new Map<string, Written>();

  constructor(private readonly parts: ShortageWriterParts) {}

  /** @param key namespace/name of the pool */
  async reconcile(key: string, signal: AbortSignal): Promise<Result | undefined> {
    const now = Date.now();
    const before = this.written.get(key);
    const unmet = this.parts.unmet.of(key, now);
    if (before && now - before.at < EVERY_MS) return { requeueAfterMs: before.at + EVERY_MS - now };
    if (unmet.until === undefined && (before?.count ?? 0) === 0) {
      this.written.delete(key);
      return undefined;
    }
    const { count, lastRefusal } = unmet;
    if (before?.count !== count || before.lastRefusal !== lastRefusal) {
      await this.write(key, unmet, signal);
      this.written.set(key, { count, lastRefusal, at: now });
    }
    return { requeueAfterMs: Math.max(EVERY_MS, (unmet.until ?? 0) - now) };
  }

  private async write(key: string, { count, ports, lastRefusal }: Unmet, signal: AbortSignal): Promise<void> {
    const { namespace, name: pool } = splitKey(key);
    const { client } = this.parts;
    const object = { namespace, name: poolDemandName(pool, this.replica) };
    const options = { signal, deadlineMs: WRITE_MS };
    const poolUid = this.parts.pool(key)?.metadata.uid;
    if (count === 0 || poolUid === undefined) {
      await client.delete(CONFIG_MAP_KIND, object, {}, options).catch(absentIsFine);
      return;
    }
    const demand = { namespace, pool, poolUid, unmet: count, ports };
    await this.put(makePoolDemand(demand, this.replica, new Date(lastRefusal)), object, options);
  }

  private async put(
    demand: ConfigMap,
    object: { namespace: string; name: string },
    options: { signal: AbortSignal; deadlineMs: number },
  ): Promise<void> {
    try {
      await this.parts.client.patch(CONFIG_MAP_KIND, object, demand, options);
    } catch (error) {
      if (!isApiError(error, 'not_found')) throw error; // not written yet, or the pool-controller removed it as expired
      await this.parts.client.create(CONFIG_MAP_KIND, demand, options);
    }
  }
}

function absentIsFine(error: unknown): void {
  if (!isApiError(error, 'not_found')) throw error;
}
