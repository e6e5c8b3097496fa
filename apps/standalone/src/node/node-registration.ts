import { cpus, hostname, release, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { isApiError, messageOf } from '@fsb/api/errors';
import { type Lease, LEASE_KIND, type Node, NODE_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { microTime, rfc3339 } from '@fsb/kit/times';
import { type Logger } from 'pino';
import { readText } from '../state-file';

const LEASE_NAMESPACE = 'kube-node-lease';
/** Values of the kubelet. */
const RENEW_MS = 10_000;
const LEASE_SECONDS = 40;
const MAX_PODS = '110';
const FIRST_RETRY_MS = 300;

/** Creates the Node object and renews its Lease, the heartbeat. */
export class NodeRegistration {
  private registered = false;
  private loop: Promise<void> | undefined;

  constructor(
    private readonly client: KubeClient,
    private readonly name: string,
    private readonly address: string,
    private readonly logger: Logger,
  ) {}

  get isReady(): boolean {
    return this.registered;
  }

  start(signal: AbortSignal): void {
    this.loop = this.run(signal);
  }

  async untilStopped(): Promise<void> {
    await this.loop;
  }

  private async run(signal: AbortSignal): Promise<void> {
    let delayMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      try {
        // each time: a Node that was deleted is created again
        await this.register();
        await this.renew();
        this.registered = true;
        delayMs = RENEW_MS;
      } catch (error) {
        this.logger.warn({ msg: 'heartbeat failed', error: messageOf(error) });
        delayMs = Math.min(delayMs * 2, RENEW_MS);
      }
      await sleep(delayMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private async register(): Promise<void> {
    const node = nodeObject(this.name, this.address, new Date());
    try {
      const before = await this.client.get(NODE_KIND, { name: this.name });
      if (isReady(before) && this.registered) return;
    } catch (error) {
      if (!isApiError(error, 'not_found')) throw error;
      await this.client.create(NODE_KIND, node);
      this.logger.info({ msg: 'registered', node: this.name });
    }
    await this.client.patchStatus(NODE_KIND, { name: this.name }, { status: node.status });
  }

  private async renew(): Promise<void> {
    const key = { namespace: LEASE_NAMESPACE, name: this.name };
    const renewTime = microTime(Date.now());
    try {
      await this.client.patch(LEASE_KIND, key, { spec: { renewTime, holderIdentity: this.name } });
    } catch (error) {
      if (!isApiError(error, 'not_found')) throw error;
      const spec = { holderIdentity: this.name, leaseDurationSeconds: LEASE_SECONDS, renewTime };
      const lease: Lease = { metadata: key, spec };
      await this.client.create(LEASE_KIND, lease);
    }
  }
}

function isReady({ status }: Node): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;
}

function nodeObject(name: string, address: string, now: Date): Node & { status: Record<string, unknown> } {
  const capacity = { cpu: String(cpus().length), memory: `${Math.floor(totalmem() / 1024)}Ki`, pods: MAX_PODS };
  const time = rfc3339(now);
  const condition = {
    type: 'Ready',
    status: 'True',
    reason: 'KubeletReady',
    message: 'Pods of image fast-sandbox/node-agent run as processes',
    lastHeartbeatTime: time,
    lastTransitionTime: time,
  };
  return {
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': goArchitecture(),
        'fast.io/runtime': 'process',
      },
    },
    status: {
      capacity,
      allocatable: capacity,
      addresses: [
        { type: 'InternalIP', address },
        { type: 'Hostname', address: hostname() },
      ],
      conditions: [condition],
      nodeInfo: {
        machineID: (readText('/etc/machine-id') ?? '').trim(),
        systemUUID: '',
        bootID: (readText('/proc/sys/kernel/random/boot_id') ?? '').trim(),
        kernelVersion: release(),
        osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(readText('/etc/os-release') ?? '')?.[1] ?? 'Linux',
        containerRuntimeVersion: `process://node-${process.versions.node}`,
        kubeletVersion: 'v1.20.0-fast-sandbox',
        kubeProxyVersion: 'none',
        operatingSystem: 'linux',
        architecture: goArchitecture(),
      },
    },
  };
}

function goArchitecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}
