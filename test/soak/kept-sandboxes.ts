import { SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type Caller } from './caller';
import { differenceOf, endInWords, wantedOf } from './end-watch';
import { type Kept } from './life-run';
import { readLog } from './log-reading';
import { NAMESPACE } from './pool';

/** Checks sandboxes that ended long ago: their objects still report the end, and their logs are still complete. */
export async function readKeptAgain(kept: readonly Kept[], caller: Caller, client: KubeClient): Promise<void> {
  const { items } = await client.list(SANDBOX_KIND, { namespace: NAMESPACE });
  for (const { name, life, id, journal } of kept) {
    const { output } = life.program;
    const status = items.find(({ metadata }) => metadata.name === name)?.status;
    const kind = differenceOf(status ?? {}, wantedOf(life));
    if (kind) journal.report(kind, `at the end ${endInWords(wantedOf(life))}`, endInWords(status ?? {}));
    if (id !== '' && status?.sandboxID !== id) journal.report('another id', id, status?.sandboxID ?? 'none');
    for (const gateway of caller.gateways.keys()) {
      const reading = { output, gateway, follow: false, mayEnd: false, mayBeEarly: false };
      await readLog(caller, journal, name, { ...reading, what: 'log (at the end)' });
    }
  }
}
