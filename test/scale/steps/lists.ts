import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Cluster } from '../stack/cluster';
import { type Load, NAMESPACE } from './load';

const run = promisify(execFile);
const PAGE = 500;
const KUBECTL_MS = 300_000;

export interface ListFigures {
  readonly pages: number;
  readonly items: number;
  readonly seconds: number;
  readonly slowestPageMs: number;
  readonly gatewayCpuSeconds: number;
  readonly wholeSeconds: number;
  readonly kubectlItems: number;
  readonly kubectlSeconds: number;
  readonly apiserverCpuSeconds: number;
}

/** Lists all sandboxes in pages through the gateway, in one answer, and with kubectl. */
export async function measureLists(cluster: Cluster, load: Load): Promise<ListFigures> {
  const { 'fastpath-gateway': gateway, apiserver } = cluster.services;
  const gatewayCpu = gateway.usage().cpuSeconds;
  const pages = await readPages(load);
  const gatewayCpuSeconds = gateway.usage().cpuSeconds - gatewayCpu;
  const whole = await timed(() => load.list(0, ''));
  const apiserverCpu = apiserver.usage().cpuSeconds;
  const args = ['--kubeconfig', cluster.kubeconfig, '--cache-dir', `${cluster.folder}/cache`, '-n', NAMESPACE];
  const kubectl = await timed(async () => {
    const more = ['get', 'sandboxes', '-o', 'name', `--chunk-size=${PAGE}`];
    const { stdout } = await run('kubectl', [...args, ...more], { maxBuffer: 2 ** 28, timeout: KUBECTL_MS });
    return stdout.split('\n').filter(Boolean).length;
  });
  return {
    ...pages,
    ...{ gatewayCpuSeconds, wholeSeconds: whole.seconds },
    ...{ kubectlItems: kubectl.result, kubectlSeconds: kubectl.seconds },
    apiserverCpuSeconds: apiserver.usage().cpuSeconds - apiserverCpu,
  };
}

async function readPages(load: Load): Promise<Pick<ListFigures, 'pages' | 'items' | 'seconds' | 'slowestPageMs'>> {
  let [pages, items, slowest, token] = [0, 0, 0, ''];
  const started = performance.now();
  do {
    const page = await timed(() => load.list(PAGE, token));
    pages++;
    items += page.result.items.length;
    slowest = Math.max(slowest, page.seconds * 1000);
    token = page.result.continue;
  } while (token !== '');
  return { pages, items, seconds: (performance.now() - started) / 1000, slowestPageMs: slowest };
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  const started = performance.now();
  const result = await work();
  return { result, seconds: (performance.now() - started) / 1000 };
}
