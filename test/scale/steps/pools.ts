import { API_VERSION } from '@fsb/api/sandbox';
import { POOL_KIND } from '@fsb/controller-runtime/kinds';
import { eventually } from '../../support/eventually';
import { type Settings } from '../settings';
import { type Cluster } from '../stack/cluster';
import { NAMESPACE, poolName } from './load';

const READY_MS = 600_000;

/** Creates pools that have all agents from the start and keep them. @returns seconds until all agents run */
export async function makePools({ kube, fleet }: Cluster, { agents, pools, slots }: Settings): Promise<number> {
  const started = performance.now();
  for (let index = 0; index < pools; index++) {
    const size = Math.floor(agents / pools) + (index < agents % pools ? 1 : 0);
    await kube.create(POOL_KIND, {
      ...{ apiVersion: API_VERSION, kind: 'SandboxPool', metadata: { namespace: NAMESPACE, name: poolName(index) } },
      spec: {
        ...{ capacity: { poolMin: size, poolMax: size }, maxSandboxesPerPod: slots },
        agentTemplate: { spec: { containers: [{ name: 'agent', image: 'fast-sandbox/node-agent' }] } },
      },
    });
  }
  await eventually(async () => (await fleet.counts()).agents === agents, READY_MS, 250);
  return (performance.now() - started) / 1000;
}
