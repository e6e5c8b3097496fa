import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Stage } from '@fsb/agent-api/agent-api';
import { ConsistencyMode, CreateRequest, DeleteRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { ContainerLabels } from '@fsb/api/labels';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { ImageStore } from '@fsb/containerd/image-store';
import { CAPABILITIES } from '@fsb/containerd/oci-spec';
import { absentIsFine } from '@fsb/containerd/runtime-errors';
import { SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { type SeccompProfile, toOciSeccomp } from '@fsb/containerd/seccomp-profile';
import { eventually } from '../support/eventually';
import { GatewayClient } from '../support/gateway-client';
import { Stack } from '../support/stack';
import { Removals } from './removals';
import { ROOMY_QUOTA } from './roomy-quota';
import { UnguardedGateway } from './unguarded-gateway';
import { CtrRun } from './yardsticks/ctr-run';
import { Echo } from './yardsticks/echo';
import { PlainContainerd } from './yardsticks/plain-containerd';
import { PodmanRun } from './yardsticks/podman-run';
import { RawRuntime } from './yardsticks/raw-runtime';
import { COMMAND, type Yardstick } from './yardsticks/yardstick';
import { removeYardstickCgroup } from './yardsticks/yardstick-cgroup';

const ROOT = resolve(__dirname, '../..');
const ARCHIVE = join(ROOT, '.cache/busybox.tar');
const SECCOMP = '/usr/share/containers/seccomp.json';
const LONG_MS = 120_000;
const CALL_MS = 60_000;
/** Poll interval: short enough for the result, long enough not to load the machine that is measured. */
const LOOK_MS = 20;
const IMAGE = 'busybox';
const IMAGE_NAME = 'docker.io/library/busybox:latest';
const SLOTS = 200;
/** Calls that warm up a client, so that its code is compiled like the yardstick's. */
const FIRST_CALLS = 1_000;
const SAYS_HELLO = ['/bin/sh', '-c', `echo up; exec ${COMMAND.join(' ')}`];

const pool = (name: string, waiting: number): object => ({
  ...{ apiVersion: 'sandbox.fast.io/v1alpha1', kind: 'SandboxPool', metadata: { name, namespace: 'default' } },
  spec: {
    capacity: { poolMin: 1, poolMax: 1 },
    maxSandboxesPerPod: SLOTS,
    ...(waiting > 0 ? { warmImages: [{ image: IMAGE, containers: waiting }] } : {}),
    agentTemplate: {
      spec: {
        containers: [
          {
            ...{ name: 'agent', image: 'fast-sandbox/node-agent:latest' },
            env: [{ name: 'WARM_CONTAINERS', value: String(waiting) }],
          },
        ],
      },
    },
  },
});

export type Mode = 'FAST' | 'STRONG';
export type YardstickName = 'plain' | 'echo' | 'ctr' | 'podman' | 'crun' | 'runc';

/** The product on one machine as its users run it, and the yardsticks on the same containerd. */
export class BenchStack {
  private readonly gateway: GatewayClient;
  private readonly runtime: SandboxRuntime;
  private readonly removals: Removals;
  private podman: PodmanRun | undefined;
  private echo: Echo | undefined;
  private bare: UnguardedGateway | undefined;

  private constructor(
    readonly stack: Stack,
    private readonly client: ContainerdClient,
    private readonly plain: PlainContainerd,
  ) {
    this.gateway = new GatewayClient(1, stack.endpoint, stack.credentials);
    this.runtime = new SandboxRuntime(client);
    this.removals = new Removals(client);
  }

  /** @param waiting standby containers of the pool `warm`; the pool `cold` has none */
  static async start(waiting: number): Promise<BenchStack> {
    const stack = await Stack.start();
    for (const text of [ROOMY_QUOTA, pool('warm', waiting), pool('cold', 0)])
      await stack.tryKubectl(['apply', '-f', '-'], JSON.stringify(text));
    const client = new ContainerdClient(stack.containerdSocket);
    const image = await new ImageStore(client).resolve(IMAGE_NAME);
    if (!image) throw new Error('the image was not imported');
    const bench = new BenchStack(stack, client, new PlainContainerd(client, image, stack.root, seccomp()));
    for (const name of ['warm', 'cold'])
      await eventually(async () => bench.create(name, `first-${name}`).then(() => true), LONG_MS, 300);
    for (const name of ['warm', 'cold']) await bench.remove(`first-${name}`);
    for (let i = 0; i < FIRST_CALLS; i++) await bench.gateway.create(CreateRequest.fromPartial({}), CALL_MS); // refused
    return bench;
  }

  async yardstick(name: YardstickName): Promise<Yardstick> {
    const { stack } = this;
    if (name === 'plain') return this.plain;
    if (name === 'echo') return (this.echo ??= await Echo.start(__filename));
    if (name === 'ctr') return new CtrRun(stack.containerdSocket, IMAGE_NAME);
    if (name === 'podman') return (this.podman ??= await PodmanRun.prepare(stack.root, ARCHIVE));
    const containerd = await stack.pid('containerd');
    return new RawRuntime({
      binary: name,
      rootfs: rootfs(stack.root),
      folder: stack.root,
      seccomp: seccomp(),
      containerd,
    });
  }

  /** Warm starts through a second gateway of the same stack, without TLS, access checks and audit log. */
  async unguarded(): Promise<Yardstick> {
    const { client } = (this.bare ??= await UnguardedGateway.start(this.stack));
    for (let i = 0; i < FIRST_CALLS; i++) await client.create(CreateRequest.fromPartial({}), CALL_MS); // refused
    return {
      name: 'without TLS, access and audit',
      start: async (id) => {
        await this.create('warm', id, 'FAST', client);
      },
      remove: (id) => this.remove(id),
    };
  }

  /** Resolves when the user process runs. @returns the stages of the create */
  async create(poolRef: string, name: string, mode: Mode = 'FAST', gateway = this.gateway): Promise<readonly Stage[]> {
    const consistencyMode = ConsistencyMode[mode];
    const request = CreateRequest.fromPartial({ name, image: IMAGE, poolRef, command: COMMAND, consistencyMode });
    const { code, message, stages } = await gateway.create(request, CALL_MS);
    if (code !== 'OK') throw new Error(`${name}: ${code} ${message}`);
    return stages;
  }

  /** Resolves at the first output of the process. */
  async firstOutput(poolRef: string, name: string): Promise<void> {
    const request = CreateRequest.fromPartial({ name, image: IMAGE, poolRef, command: SAYS_HELLO });
    await this.gateway.firstOutput(request, CALL_MS);
  }

  /**
   * Kills the process first, since a delete would grant it ten seconds of grace. Resolves when its container is gone.
   */
  async remove(name: string): Promise<void> {
    const id = await eventually(() => this.containerOf(name), LONG_MS, LOOK_MS);
    const gone = this.removals.of(id);
    await absentIsFine(this.runtime.kill(id, 'SIGKILL'));
    const request = DeleteRequest.fromPartial({ sandboxName: name, namespace: 'default' });
    const { code, message } = await this.gateway.delete(request, CALL_MS);
    if (code !== 'OK') throw new Error(`${name}: ${code} ${message}`);
    await gone;
  }

  /** @returns false while containerd does not know the sandbox of a warm start yet */
  private async containerOf(name: string): Promise<string | false> {
    const filter = `labels."${ContainerLabels.sandboxName}"==${JSON.stringify(name)}`;
    const { containers } = await this.client.containers.list({ filters: [filter] });
    return containers[0]?.id ?? false;
  }

  /** Resolves when `count` standby containers run. @returns the pids of their first processes */
  refilled(count: number): Promise<number[]> {
    return eventually(
      async () => {
        const all = await this.runtime.list(`labels."${ContainerLabels.waiting}"`);
        const pids = all.flatMap(({ task }) => (task?.status === 'running' ? [task.pid] : []));
        return pids.length >= count && pids.length === all.length ? pids : false;
      },
      LONG_MS,
      50,
    );
  }

  async end(): Promise<void> {
    this.gateway.close();
    this.removals.end();
    this.client.close();
    await this.podman?.end();
    await this.bare?.end();
    await this.echo?.end();
    await this.stack.end();
    removeYardstickCgroup();
  }
}

function seccomp(): ReturnType<typeof toOciSeccomp> {
  return toOciSeccomp(JSON.parse(readFileSync(SECCOMP, 'utf8')) as SeccompProfile, CAPABILITIES, process.arch);
}

/** Unpacks the image into one folder and adds the mount points that a read-only root needs. */
function rootfs(folder: string): string {
  const script = `skopeo copy -q --insecure-policy oci-archive:${ARCHIVE} oci:oci:latest
    umoci unpack --image oci:latest bundle && mkdir -p bundle/rootfs/proc bundle/rootfs/dev bundle/rootfs/sys`;
  execFileSync('sh', ['-ec', `test -d bundle || { ${script}; }`], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  return join(folder, 'bundle/rootfs');
}
