import { credentials, Metadata } from '@grpc/grpc-js';
import { ConsistencyMode, CreateRequest, DeleteRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { SandboxLogServiceClient } from '@fsb/api/gen/fastpath/v1/logs';
import { ContainerLabels } from '@fsb/api/labels';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { ImageStore } from '@fsb/containerd/image-store';
import { SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { eventually } from '../support/eventually';
import { GatewayClient } from '../support/gateway-client';
import { Stack } from '../support/stack';
import { CtrRun, PlainContainerd, type Yardstick } from './yardsticks';

const LONG_MS = 120_000;
const CALL_MS = 60_000;
export const IMAGE = 'busybox';
const IMAGE_NAME = 'docker.io/library/busybox:latest';
/** Ends at once when it is told to: deletes are not to wait for a grace period. */
const COMMAND = ['/bin/sh', '-c', 'echo up; trap "exit 0" TERM; while :; do sleep 1 & wait; done'];
const pool = (name: string, slots: number, waiting: number): object => ({
  ...{ apiVersion: 'sandbox.fast.io/v1alpha1', kind: 'SandboxPool', metadata: { name, namespace: 'default' } },
  spec: {
    capacity: { poolMin: 1, poolMax: 1 },
    maxSandboxesPerPod: slots,
    ...(waiting > 0 ? { warmImages: [{ image: IMAGE, containers: waiting }] } : {}),
    agentTemplate: {
      spec: {
        containers: [
          {
            ...{ name: 'agent', image: 'fast-sandbox/node-agent:latest' },
            ...(waiting > 0 ? {} : { env: [{ name: 'WARM_CONTAINERS', value: '0' }] }),
          },
        ],
      },
    },
  },
});

export type Mode = 'FAST' | 'STRONG';

/** The product as its users have it on one machine, and the yardsticks on the same containerd. */
export class BenchStack {
  private readonly gateway: GatewayClient;
  private readonly logs: SandboxLogServiceClient;

  private constructor(
    private readonly stack: Stack,
    private readonly client: ContainerdClient,
    readonly yardsticks: { readonly plain: Yardstick; readonly ctr: Yardstick },
  ) {
    this.gateway = new GatewayClient(1, stack.endpoint);
    this.logs = new SandboxLogServiceClient(stack.endpoint, credentials.createInsecure());
  }

  /** @param waiting containers that wait in the pool `warm`; the pool `cold` has none */
  static async start(waiting: number): Promise<BenchStack> {
    const stack = await Stack.start();
    for (const text of [pool('warm', 200, waiting), pool('cold', 200, 0)])
      await stack.tryKubectl(['apply', '-f', '-'], JSON.stringify(text));
    const client = new ContainerdClient(stack.containerdSocket);
    const image = await new ImageStore(client).resolve(IMAGE_NAME);
    if (!image) throw new Error('the image was not imported');
    const yardsticks = {
      plain: new PlainContainerd(client, image, stack.root),
      ctr: new CtrRun(stack.containerdSocket, IMAGE_NAME),
    };
    const bench = new BenchStack(stack, client, yardsticks);
    for (const name of ['warm', 'cold'])
      await eventually(async () => bench.create(name, `first-${name}`).then(() => true), LONG_MS, 300);
    for (const name of ['warm', 'cold']) await bench.delete(`first-${name}`);
    return bench;
  }

  /** @returns when its process runs */
  async create(poolRef: string, name: string, mode: Mode = 'FAST'): Promise<void> {
    const consistencyMode = ConsistencyMode[mode];
    const request = CreateRequest.fromPartial({ name, image: IMAGE, poolRef, command: COMMAND, consistencyMode });
    const { code, message } = await this.gateway.create(request, CALL_MS);
    if (code !== 'OK') throw new Error(`${name}: ${code} ${message}`);
  }

  /** @returns when the first of its output is here; its log is asked for as soon as its create has answered */
  async firstOutput(poolRef: string, name: string): Promise<void> {
    await this.create(poolRef, name);
    const request = { sandboxName: name, namespace: 'default', sandboxId: '', follow: true };
    const log = this.logs.streamLogs(request, new Metadata(), { deadline: Date.now() + CALL_MS });
    try {
      await new Promise<void>((resolve, reject) => {
        log.once('data', () => {
          resolve();
        });
        log.once('error', reject);
        log.once('end', () => {
          reject(new Error(`${name} ended without a word`));
        });
      });
    } finally {
      log.on('error', () => undefined); // the end that comes now is wanted
      log.cancel();
    }
  }

  /** @returns when its container is gone */
  async delete(name: string): Promise<void> {
    const request = DeleteRequest.fromPartial({ sandboxName: name, namespace: 'default' });
    const { code, message } = await this.gateway.delete(request, CALL_MS);
    if (code !== 'OK') throw new Error(`${name}: ${code} ${message}`);
    const runtime = new SandboxRuntime(this.client);
    const filter = `labels."${ContainerLabels.sandboxName}"==${JSON.stringify(name)}`;
    await eventually(async () => (await runtime.list(filter)).length === 0, LONG_MS, 5);
  }

  /** Until as many wait as should. */
  async refilled(count: number): Promise<void> {
    const runtime = new SandboxRuntime(this.client);
    await eventually(
      async () => {
        const all = await runtime.list(`labels."${ContainerLabels.waiting}"`);
        return all.length >= count && all.every(({ task }) => task?.status === 'running');
      },
      LONG_MS,
      50,
    );
  }

  async end(): Promise<void> {
    this.gateway.close();
    this.logs.close();
    this.client.close();
    await this.stack.end();
  }
}
