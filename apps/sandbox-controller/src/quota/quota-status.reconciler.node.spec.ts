import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Controller } from '@fsb/controller-runtime/controller';
import { Informer } from '@fsb/controller-runtime/informer';
import { RESOURCE_QUOTA_KIND, type ResourceQuota } from '@fsb/controller-runtime/kinds';
import { KubeClient, loadKubeConfig } from '@fsb/controller-runtime/kube-client';
import { usageOf } from '@fsb/quota/usage';
import { UsageLedger } from '@fsb/quota/usage-ledger';
import { ApiserverProcess } from '../../../../test/support/apiserver-process';
import { eventually } from '../../../../test/support/eventually';
import { enqueueQuotas, QuotaStatusReconciler } from './quota-status.reconciler';

const KEY = { namespace: 'default', name: 'small' };
const COUNT = 'count/sandboxes.sandbox.fast.io';
const MEMORY = 'sandbox.fast.io/memory';

describe('QuotaStatusReconciler', () => {
  let server: ApiserverProcess;
  let client: KubeClient;
  let quotas: Informer<ResourceQuota>;
  let controller: Controller;
  const ledger = new UsageLedger();

  beforeAll(async () => {
    server = await ApiserverProcess.start();
    client = new KubeClient(loadKubeConfig(join(server.folder, 'kubeconfig')));
    quotas = new Informer({ client, kind: RESOURCE_QUOTA_KIND });
    const parts = { client, quotas, ledger, countsObjects: true };
    controller = new Controller(new QuotaStatusReconciler(parts), { name: 'quota-status', concurrency: 1 });
    enqueueQuotas(parts, controller.queue);
    quotas.start();
    await quotas.synced;
    controller.start();
    const spec = { hard: { [COUNT]: '10', [MEMORY]: '1Gi', pods: '7' } };
    await client.create(RESOURCE_QUOTA_KIND, { metadata: KEY, spec });
  }, 120_000);

  afterAll(async () => {
    await controller.stop(1000);
    await quotas.stop();
    await server.end();
  }, 60_000);

  const shows = (sandboxes: string, memory: string): Promise<unknown> =>
    eventually(async () => {
      const { status } = await client.get(RESOURCE_QUOTA_KIND, KEY);
      expect(status).toEqual({
        hard: { [COUNT]: '10', [MEMORY]: '1Gi' },
        used: { [COUNT]: sandboxes, [MEMORY]: memory },
      });
    }, 10_000);

  it('writes limits and use, and follows the ledger', async () => {
    await shows('0', '0');
    ledger.setObject('default/one', usageOf({ memory: '96Mi' }));
    ledger.setObject('elsewhere/two', usageOf({ memory: '1Mi' }));
    await shows('1', '96Mi');
    ledger.setObject('default/one', undefined);
    await shows('0', '0');
  }, 40_000);

  it('provides the rows of kubectl describe', () => {
    const kubeconfig = join(server.folder, 'kubeconfig');
    const args = ['--kubeconfig', kubeconfig, '-n', 'default', 'describe', 'quota', 'small'];
    const text = execFileSync('kubectl', args, { encoding: 'utf8' });
    expect(text).toMatch(/count\/sandboxes\.sandbox\.fast\.io\s+0\s+10\n/);
    expect(text).toMatch(/sandbox\.fast\.io\/memory\s+0\s+1Gi/);
  });

  it('writes a quota at most once a second', async () => {
    const version = async (): Promise<number> =>
      Number((await client.get(RESOURCE_QUOTA_KIND, KEY)).metadata.resourceVersion);
    const before = await version();
    for (let i = 0; i < 200; i++) {
      ledger.setObject(`default/${i}`, usageOf({ memory: '1Mi' }));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await shows('200', '200Mi');
    expect((await version()) - before).toBeLessThanOrEqual(4);
  }, 40_000);
});
