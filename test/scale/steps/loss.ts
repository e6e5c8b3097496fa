import { type Sandbox } from '@fsb/api/sandbox';
import { SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { eventually } from '../../support/eventually';
import { type Account } from '../stack/ledger';
import { type Cluster } from '../stack/cluster';
import { type Ledger } from '../stack/ledger';
import { NAMESPACE } from './load';

export interface LossFigures {
  readonly agents: number;
  readonly sandboxes: number;
  /** still Lost: failurePolicy Manual */
  readonly lost: number;
  /** running elsewhere: AutoRecreate */
  readonly recreated: number;
  readonly seconds: number;
  readonly account: Account;
}

const LOSS_MS = 600_000;

/** Loses a tenth of the agents at once; their Pods fail. */
export async function measureLoss(cluster: Cluster, ledger: Ledger, agents: number): Promise<LossFigures> {
  const count = Math.max(1, Math.round(agents / 10));
  const before = await cluster.fleet.counts();
  let [sandboxes, lost, seconds] = [0, 0, 0];
  const account = await ledger.around(async () => {
    const started = performance.now();
    sandboxes = await cluster.fleet.lose(count);
    await eventually(
      async () => {
        const phases = await phasesIn(cluster);
        lost = phases.get('Lost') ?? 0;
        const { sandboxes: alive } = await cluster.fleet.counts();
        return alive + lost === before.sandboxes && (phases.get('Running') ?? 0) === alive;
      },
      LOSS_MS,
      2_000,
    );
    seconds = (performance.now() - started) / 1000;
  });
  return { agents: count, sandboxes, lost, recreated: sandboxes - lost, seconds, account };
}

async function phasesIn({ kube }: Cluster): Promise<Map<string, number>> {
  const phases = new Map<string, number>();
  let next: string | undefined;
  do {
    const query = { namespace: NAMESPACE, limit: 2_000, continue: next };
    const page = await kube.list<Sandbox>(SANDBOX_KIND, query, { deadlineMs: 60_000 });
    for (const { status } of page.items) {
      const phase = status?.phase ?? 'Pending';
      phases.set(phase, (phases.get(phase) ?? 0) + 1);
    }
    next = page.continue;
  } while (next !== undefined);
  return phases;
}
