import { isApiError } from '@fsb/api/errors';
import { SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { eventually } from '../../support/eventually';
import { type Cluster, type ServiceName } from '../stack/cluster';
import { type Ledger } from '../stack/ledger';
import { metric } from '../stack/metric';
import { type Load, NAMESPACE } from './load';

export interface RestartFigures {
  readonly service: ServiceName;
  /** from the start after SIGKILL until /readyz is OK */
  readonly readySeconds: number;
  /** from then on until it does its work again */
  readonly workSeconds: number;
  readonly cpuSeconds: number;
  /** list pages that all services requested, this one included */
  readonly listPages: number;
}

const WORKS_MS = 300_000;

/** Kills and restarts each process in turn, while everything else keeps running. */
export async function measureRestarts(cluster: Cluster, load: Load, ledger: Ledger): Promise<RestartFigures[]> {
  const figures: RestartFigures[] = [];
  const names = ['fastpath-gateway', 'sandbox-controller', 'pool-controller', 'apiserver'] as const;
  for (const service of names) figures.push(await restart(service, { cluster, load, ledger }));
  return figures;
}

interface Parts {
  readonly cluster: Cluster;
  readonly load: Load;
  readonly ledger: Ledger;
}

async function restart(name: ServiceName, { cluster, load, ledger }: Parts): Promise<RestartFigures> {
  const service = cluster.services[name];
  const others = cluster.all.filter((other) => other !== service);
  const pagesBefore = await listPages(others);
  await service.end('SIGKILL');
  const before = service.usage().cpuSeconds;
  const readyMs = await service.start();
  const started = performance.now();
  await works(name, cluster, load);
  const workSeconds = (performance.now() - started) / 1000;
  const { sandboxes } = await cluster.fleet.counts();
  await ledger.settle(sandboxes);
  const listed = (await listPages(others)) - pagesBefore + (await listPages([service]));
  const cpuSeconds = service.usage().cpuSeconds - before;
  return { service: name, readySeconds: readyMs / 1000, workSeconds, cpuSeconds, listPages: listed };
}

async function listPages(services: readonly { metrics(): Promise<string> }[]): Promise<number> {
  const texts = await Promise.all(services.map((service) => service.metrics()));
  return texts.reduce(
    (sum, text) => sum + metric(text, 'rest_client_requests_total', { verb: 'list', code: '200' }),
    0,
  );
}

/** Waits until the service has done its work once more. */
async function works(name: ServiceName, cluster: Cluster, load: Load): Promise<void> {
  switch (name) {
    case 'fastpath-gateway':
      await eventually(() => load.createOne(), WORKS_MS, 100);
      return;
    case 'sandbox-controller':
    case 'apiserver': {
      const made = await load.createOneObject();
      await eventually(() => runs(cluster, made), WORKS_MS, 50);
      return;
    }
    case 'pool-controller': {
      const leads = { name: 'pool-controller' };
      await eventually(
        async () => metric(await cluster.services[name].metrics(), 'leader_election_master_status', leads) === 1,
        WORKS_MS,
        50,
      );
    }
  }
}

async function runs({ kube }: Cluster, name: string): Promise<boolean> {
  try {
    return (await kube.get(SANDBOX_KIND, { namespace: NAMESPACE, name })).status?.phase === 'Running';
  } catch (error) {
    if (isApiError(error)) return false;
    throw error;
  }
}
