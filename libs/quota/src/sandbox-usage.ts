import { type Sandbox } from '@fsb/api/sandbox';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { type Informer } from '@fsb/controller-runtime/informer';
import { keyOf } from '@fsb/controller-runtime/kinds';
import { type UsageLedger } from './usage-ledger';
import { usageOfObject } from './usage';

export interface UsageSources {
  readonly sandboxes: Informer<Sandbox>;
  readonly pools: Informer<SandboxPool>;
  /** whether an object counts */
  readonly counts: (sandbox: Sandbox) => boolean;
}

/** Keeps a ledger in step with the objects. Call it before the informers start. */
export function followSandboxes(ledger: UsageLedger, { sandboxes, pools, counts }: UsageSources): void {
  const write = (key: string, sandbox: Sandbox | undefined): void => {
    if (!sandbox || !counts(sandbox)) {
      ledger.setObject(key, undefined);
      return;
    }
    const pool = pools.get(`${sandbox.metadata.namespace ?? ''}/${sandbox.spec.poolRef}`);
    ledger.setObject(key, usageOfObject(sandbox, pool?.spec.sandboxDefaults?.resources));
  };
  sandboxes.onChange(write);
  // defaults change rarely, but the pools may be read after their sandboxes
  pools.onChange((_key, current, previous) => {
    const [now, before] = [current, previous].map((pool) => JSON.stringify(pool?.spec.sandboxDefaults?.resources));
    const { namespace, name } = (current ?? previous)?.metadata ?? {};
    if (now === before || namespace === undefined) return;
    for (const sandbox of sandboxes.list(namespace)) {
      if (sandbox.spec.poolRef === name) write(keyOf(sandbox), sandbox);
    }
  });
}
