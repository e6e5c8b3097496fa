import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SANDBOXES_CGROUP } from '@fsb/node/machine-names';
import { ContainerLabels } from '@fsb/api/labels';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { type ContainerRecord, SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { AgentProcess } from '../../../../test/support/agent-process';
import { eventually } from '../../../../test/support/eventually';
import { isWaiting } from '../../../../test/support/waiting-containers';
import { buildProber } from './prober-image';
import { buildLinkedImage, withLibraries } from './test-images';

const HOSTILE_IMAGE = 'docker.io/fsb/hostile:latest';
const METADATA = ['169.254.169.254', '169.254.170.2', '100.100.100.200', 'fd00:ec2::254', '168.63.129.16'];
/** Ports of the neighbour: the one on which it answers, and one that it does not use. */
export const NEIGHBOUR_PORTS = [7001, 7002] as const;
export const OPENSSL = '/usr/bin/openssl';
const LONG_MS = 60_000;
/** Length of a variable that makes the order too long for a warm start. */
const TOO_LONG_FOR_AN_ORDER = 61 * 1024;

const ip = (...args: string[]): void => void execFileSync('ip', args);

/** A node as in a cloud: an agent in a Pod's network, and a metadata service one hop away. */
export class SecurityScene {
  private constructor(
    readonly agent: AgentProcess,
    readonly runtime: SandboxRuntime,
    private readonly client: ContainerdClient,
    private readonly cloud: { readonly name: string; readonly service: ChildProcess },
  ) {}

  static async start(flags: Readonly<Record<string, string>> = {}): Promise<SecurityScene> {
    const cloud = `fsb-cloud-${process.pid}`;
    ip('netns', 'add', cloud);
    try {
      return await SecurityScene.startIn(cloud, flags);
    } catch (error) {
      ip('netns', 'delete', cloud);
      throw error;
    }
  }

  private static async startIn(cloud: string, flags: Readonly<Record<string, string>>): Promise<SecurityScene> {
    const agent = await AgentProcess.start(
      'hostile',
      {
        ...{ 'agent-capacity': '8', 'warm-containers': '1', 'storage-interval': '500ms', 'log-max-size': '4Mi' },
        'warm-images': JSON.stringify([{ image: HOSTILE_IMAGE, containers: 1 }]),
        ...flags,
      },
      { podNetwork: (namespace) => podNetwork(namespace, cloud) },
    );
    const prober = buildProber(agent);
    const args = [`--net=/run/netns/${cloud}`, '--', prober, 'answer', '80'];
    const service = spawn('nsenter', args, { stdio: 'ignore' });
    const client = new ContainerdClient(agent.containerd.socket);
    const scene = new SecurityScene(agent, new SandboxRuntime(client), client, { name: cloud, service });
    scene.importImage(prober);
    return scene;
  }

  async stop(): Promise<void> {
    this.client.close();
    this.cloud.service.kill('SIGKILL');
    ip('netns', 'delete', this.cloud.name);
    await this.agent.stop();
  }

  /** Path of a file of the node that no sandbox may read. */
  get hostFile(): string {
    return this.agent.path('of-the-node');
  }

  log(id: string): string {
    return readFileSync(this.agent.path('logs', `${id}.log`), 'utf8');
  }

  /** @throws Error where the sandbox was not made, or was not started as `start` says */
  async create(id: string, start: 'warm' | 'cold', more: object): Promise<void> {
    if (start === 'warm') await this.waits();
    const padding = start === 'cold' ? { PADDING: 'x'.repeat(TOO_LONG_FOR_AN_ORDER) } : {};
    const { env = {}, ...others } = more as { env?: Record<string, string> };
    const sandbox = { image: HOSTILE_IMAGE, ...others, env: { ...env, ...padding } };
    const { status, body } = await this.agent.create(id, sandbox);
    const wasWarm = body.stages?.some(({ name }) => name === 'launch') ?? false;
    if (status !== 200 || wasWarm !== (start === 'warm')) throw new Error(`${id}: ${status} ${body.message ?? ''}`);
  }

  async remove(id: string): Promise<void> {
    await this.agent.post('delete', { sandboxId: id });
    await eventually(async () => (await this.agent.of(id)) === undefined, LONG_MS);
  }

  /** Kills the sandbox's container without the agent. */
  async kill(id: string): Promise<void> {
    await this.runtime.kill((await this.containerOf(id)).id, 'SIGKILL');
  }

  /** Reads a file of the sandbox's cgroup. @param controller used on cgroup v1 */
  async cgroupFile(id: string, controller: string, file: string): Promise<string> {
    const root = existsSync('/sys/fs/cgroup/cgroup.controllers') ? '/sys/fs/cgroup' : `/sys/fs/cgroup/${controller}`;
    return readFileSync(join(root, this.agent.name, SANDBOXES_CGROUP, (await this.containerOf(id)).id, file), 'utf8');
  }

  /** The prober's environment: targets of its attempts. */
  async targets(): Promise<Record<string, string>> {
    const { agent, runtime } = this;
    const neighbour = await this.containerOf('neighbour');
    return {
      HOST_FILE: this.hostFile,
      AGENT_PORT: String(agent.port),
      PROBE_PORT: String(agent.probePort),
      CONTAINERD_SOCKET: agent.containerd.socket,
      METADATA: METADATA.join(' '),
      NEIGHBOUR_PID: String(neighbour.task?.pid),
      NEIGHBOUR_PORT: String(NEIGHBOUR_PORTS[0]),
      IDLE_PORT: String(NEIGHBOUR_PORTS[1]),
      NEIGHBOUR_FILE: join((await runtime.writableLayer('neighbour')) ?? '', 'tmp/beat'),
      NEIGHBOUR_LOG: agent.path('logs/neighbour.log'),
    };
  }

  /** Waits for the record: that of a warm start is written behind the answer. */
  private containerOf(id: string): Promise<ContainerRecord> {
    return eventually(async () => (await this.runtime.list(`labels."${ContainerLabels.id}"==${id}`))[0] ?? false);
  }

  private waits(): Promise<boolean> {
    return eventually(
      async () => (await this.runtime.list('')).some((one) => isWaiting(one) && one.task?.status === 'running'),
      LONG_MS,
    );
  }

  private importImage(prober: string): void {
    const { agent, hostFile } = this;
    writeFileSync(hostFile, 'a secret of the node\n');
    const archive = agent.path('hostile.tar');
    const links = { 'out/absolute': hostFile, 'out/relative': `../../../../../..${hostFile}` };
    buildLinkedImage({ name: HOSTILE_IMAGE, links, programs: { prober, ...withLibraries(OPENSSL) } }, archive);
    execFileSync('ctr', ['-a', agent.containerd.socket, '-n', 'k8s.io', 'images', 'import', archive]);
  }
}

/**
 * Connects a Pod by eth0 to the cloud, its default route, and by eth1 to the test.
 * @returns its address for the test
 */
function podNetwork(pod: string, cloud: string): string {
  ip('-n', pod, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'pod', 'netns', cloud);
  for (const [address, prefix, namespace, device] of [
    ['10.0.0.2', 24, pod, 'eth0'],
    ['fd00:1::2', 64, pod, 'eth0'],
    ['10.0.0.1', 24, cloud, 'pod'],
    ['fd00:1::1', 64, cloud, 'pod'],
    ...METADATA.map((one) => [one, one.includes(':') ? 128 : 32, cloud, 'lo'] as const),
  ] as const) {
    ip(
      '-n',
      namespace,
      'address',
      'add',
      `${address}/${prefix}`,
      'dev',
      device,
      ...(address.includes(':') ? ['nodad'] : []),
    );
  }
  for (const device of ['lo', 'pod']) ip('-n', cloud, 'link', 'set', device, 'up');
  ip('-n', pod, 'link', 'set', 'eth0', 'up');
  ip('-n', pod, 'route', 'add', 'default', 'via', '10.0.0.1');
  ip('-n', pod, '-6', 'route', 'add', 'default', 'via', 'fd00:1::1');
  return linkToTest(pod);
}

/** A /30 of 198.18.0.0/15, which is reserved for benchmarks (RFC 2544), for each test process. */
function linkToTest(pod: string): string {
  const first = (process.pid % 32_768) * 4;
  const address = (host: number): string => `198.${18 + (first >> 16)}.${(first >> 8) & 255}.${(first & 255) + host}`;
  const device = `fsbt${process.pid}`;
  ip('-n', pod, 'link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', device, 'netns', String(process.pid));
  ip('address', 'add', `${address(1)}/30`, 'dev', device);
  ip('-n', pod, 'address', 'add', `${address(2)}/30`, 'dev', 'eth1');
  ip('link', 'set', device, 'up');
  ip('-n', pod, 'link', 'set', 'eth1', 'up');
  return address(2);
}
