import { FailurePolicy, FastPathServiceClient, type ListResponse } from '@fsb/api/gen/fastpath/v1/fastpath';
import { API_VERSION, type Sandbox } from '@fsb/api/sandbox';
import { SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { PatientCaller } from '../../support/patient-caller';
import { type Cluster } from '../stack/cluster';

export const NAMESPACE = 'default';
const IMAGE = 'busybox';
/** 50,000 sandboxes in one answer exceed gRPC's default limit of 4 MiB. */
const NO_LIMIT = { 'grpc.max_receive_message_length': -1 };
const IN_FLIGHT = 24;
const DEADLINE_MS = 60_000;
/** Every tenth sandbox is created through its object, as with kubectl. */
const BY_OBJECT = 10;

export interface Latencies {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export function poolName(index: number): string {
  return `pool-${index}`;
}

/** Creates and deletes numbered sandboxes over all pools; half of them are AutoRecreate. */
export class Load {
  private readonly caller: PatientCaller;
  private readonly lists: FastPathServiceClient;
  private made = 0;

  constructor(
    private readonly cluster: Cluster,
    private readonly pools: number,
  ) {
    this.caller = new PatientCaller([cluster.endpoint], cluster.credentials);
    this.lists = new FastPathServiceClient(cluster.endpoint, cluster.credentials, NO_LIMIT);
  }

  /** @returns latencies of the FAST creates */
  async create(count: number): Promise<Latencies> {
    const times: number[] = [];
    const from = this.made;
    this.made += count;
    await inParallel(count, async (step) => {
      const index = from + step;
      if (index % BY_OBJECT === BY_OBJECT - 1) {
        await this.createObject(index);
        return;
      }
      const started = performance.now();
      await this.createFast(index);
      times.push(performance.now() - started);
    });
    return latencies(times);
  }

  /** Deletes the last `count` that were created. */
  async delete(count: number): Promise<void> {
    this.made -= count;
    await inParallel(count, (step) => this.caller.delete(nameOf(this.made + step)));
  }

  /** Creates one more. @returns its name */
  async createOne(): Promise<string> {
    const index = this.made++;
    await this.createFast(index);
    return nameOf(index);
  }

  async createOneObject(): Promise<string> {
    const index = this.made++;
    await this.createObject(index);
    return nameOf(index);
  }

  close(): void {
    this.caller.close();
    this.lists.close();
  }

  list(limit: number, token: string): Promise<ListResponse> {
    const request = { namespace: NAMESPACE, limit, continue: token };
    return unary((done) => this.lists.listSandboxes(request, new Metadata(), deadline(), done));
  }

  private async createFast(index: number): Promise<void> {
    await this.caller.create(nameOf(index), {
      ...{ image: IMAGE, poolRef: this.poolOf(index), namespace: NAMESPACE },
      ...{ command: ['/bin/sleep', 'infinity'], envs: { INDEX: String(index) } },
      labels: { batch: String(index % 100) },
      failurePolicy: recreated(index) ? FailurePolicy.AUTO_RECREATE : FailurePolicy.MANUAL,
      recoveryTimeoutSeconds: 1,
    });
  }

  private async createObject(index: number): Promise<void> {
    const object: Sandbox = {
      ...{ apiVersion: API_VERSION, kind: 'Sandbox', metadata: { namespace: NAMESPACE, name: nameOf(index) } },
      spec: {
        ...{ image: IMAGE, poolRef: this.poolOf(index), command: ['/bin/sleep', 'infinity'] },
        ...{ failurePolicy: recreated(index) ? 'AutoRecreate' : 'Manual', recoveryTimeoutSeconds: 1 },
      },
    };
    await this.cluster.kube.create(SANDBOX_KIND, object, { deadlineMs: DEADLINE_MS });
  }

  private poolOf(index: number): string {
    return poolName(index % this.pools);
  }
}

function recreated(index: number): boolean {
  return Math.floor(index / 2) % 2 === 0;
}

function nameOf(index: number): string {
  return `sb-${String(index).padStart(6, '0')}`;
}

function deadline(): { deadline: number } {
  return { deadline: Date.now() + DEADLINE_MS };
}

function unary<A>(call: (done: (error: ServiceError | null, answer?: A) => void) => unknown): Promise<A> {
  return new Promise((resolve, reject) => {
    call((error, answer) => {
      if (error || answer === undefined) reject(error ?? new Error('no answer'));
      else resolve(answer);
    });
  });
}

/** @throws the first failure, after all work in flight has ended */
async function inParallel(count: number, work: (step: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  const ended = await Promise.allSettled(Array.from({ length: IN_FLIGHT }, worker));
  const failed = ended.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

function latencies(times: number[]): Latencies {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}
