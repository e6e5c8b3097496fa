import { readFileSync } from 'node:fs';
import { type DynamicModule, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { AgentClient } from '@fsb/agent-api/agent-client';
import { Readiness } from '@fsb/component-base/readiness';
import { Controller } from '@fsb/controller-runtime/controller';
import { ControllerHost } from '@fsb/controller-runtime/controller-host';
import { EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { Informer } from '@fsb/controller-runtime/informer';
import { POD_KIND, POOL_KIND, SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { KubeClient } from '@fsb/controller-runtime/kube-client';
import { KubeModule } from '@fsb/controller-runtime/kube.module';
import { ControllerMetrics } from '@fsb/controller-runtime/metrics';
import { AgentDirectory } from '@fsb/placement/agent-directory';
import { AGENT_POD_SELECTOR } from '@fsb/placement/agent-pod';
import { Placer } from '@fsb/placement/placer';
import { Registry as Agents } from '@fsb/registry/registry';
import { Registry } from 'prom-client';
import { CreateSandbox } from './create/create-sandbox';
import { FastCreate } from './create/fast-create';
import { NamesUnderWay } from './create/names-under-way';
import { PoolLookup } from './create/pool-lookup';
import { RequestIds } from './create/request-ids';
import { StrongCreate } from './create/strong-create';
import { Demand } from './demand/demand';
import { type GatewayConfig } from './gateway.config';
import { GatewayMetrics } from './gateway.metrics';
import { FastPathController } from './grpc/fastpath.controller';
import { GrpcHealth } from './grpc/grpc-server';
import { LogsController } from './grpc/logs.controller';
import { Catalog } from './sandboxes/catalog';
import { DeleteSandbox } from './sandboxes/delete-sandbox';
import { LateObjects } from './sandboxes/late-objects';
import { PendingRecords } from './sandboxes/pending-records';
import { RecordSandbox } from './sandboxes/record-sandbox';
import { SandboxLogs } from './sandboxes/sandbox-logs';
import { SandboxQueries } from './sandboxes/sandbox-queries';
import { UpdateSandbox } from './sandboxes/update-sandbox';

export const GATEWAY = 'fastpath-gateway';
/** Writes behind answers at once; the connection pool is shared with the informers. */
const RECORD_CONCURRENCY = 16;
const LATE_CONCURRENCY = 2;

/** What a gateway knows: its caches of the API, and the agents behind them. */
class World {
  readonly sandboxes;
  readonly pools;
  readonly pods;
  readonly agents: AgentClient;
  readonly directory: AgentDirectory;

  constructor({ agentTokenFile, agentPort }: GatewayConfig, client: KubeClient) {
    this.sandboxes = new Informer({ client, kind: SANDBOX_KIND });
    this.pools = new Informer({ client, kind: POOL_KIND });
    this.pods = new Informer({ client, kind: POD_KIND, labelSelector: AGENT_POD_SELECTOR });
    this.agents = new AgentClient({ token: readFileSync(agentTokenFile, 'utf8').trim(), port: agentPort });
    this.directory = new AgentDirectory({ registry: new Agents(), client: this.agents, pods: this.pods });
  }

  get isFilled(): boolean {
    const { sandboxes, pools, pods, directory } = this;
    return sandboxes.hasSynced && pools.hasSynced && pods.hasSynced && directory.isSettled;
  }
}

const LOOK_MS = 50;

/** Says SERVING once the caches are filled and the agents heard, and stops taking calls before anything else stops. */
class HealthStatus implements OnApplicationBootstrap, OnModuleDestroy {
  private looking: NodeJS.Timeout | undefined;

  constructor(
    private readonly world: World,
    private readonly health: GrpcHealth,
  ) {}

  onApplicationBootstrap(): void {
    this.looking = setInterval(() => {
      if (!this.world.isFilled) return;
      clearInterval(this.looking);
      this.health.set('SERVING');
    }, LOOK_MS);
  }

  onModuleDestroy(): void {
    clearInterval(this.looking);
    this.health.set('NOT_SERVING');
  }
}

@Module({})
export class GatewayModule {
  static forRoot(config: GatewayConfig, health: GrpcHealth): DynamicModule {
    return {
      module: GatewayModule,
      imports: [KubeModule.forRoot({ kubeconfig: config.kubeconfig, component: GATEWAY })],
      controllers: [FastPathController, LogsController],
      providers: [
        { provide: World, useFactory: (client: KubeClient) => new World(config, client), inject: [KubeClient] },
        { provide: AgentClient, useFactory: ({ agents }: World) => agents, inject: [World] },
        PendingRecords,
        NamesUnderWay,
        {
          provide: Catalog,
          useFactory: (world: World, records: PendingRecords) =>
            new Catalog({
              sandboxes: world.sandboxes,
              directory: world.directory,
              records,
              isFilled: () => world.isFilled,
            }),
          inject: [World, PendingRecords],
        },
        {
          provide: GatewayMetrics,
          useFactory: (registry: Registry, records: PendingRecords) => new GatewayMetrics(registry, () => records.size),
          inject: [Registry, PendingRecords],
        },
        {
          provide: Controller,
          useFactory: (...parts: RecordingParts) => recordController(config, parts),
          inject: [World, PendingRecords, KubeClient, EventRecorder, ControllerMetrics],
        },
        {
          provide: LateObjects,
          useFactory: ({ sandboxes }: World, client: KubeClient, events: EventRecorder) =>
            new LateObjects({ sandboxes, client, events, rememberMs: 2 * config.fastpathOrphanTimeout }),
          inject: [World, KubeClient, EventRecorder],
        },
        {
          provide: Demand,
          useFactory: (world: World, client: KubeClient, metrics: ControllerMetrics) =>
            new Demand(world, client, metrics),
          inject: [World, KubeClient, ControllerMetrics],
        },
        {
          provide: CreateSandbox,
          useFactory: (...parts: CreateParts) => createSandbox(config, parts),
          inject: [World, PendingRecords, Catalog, NamesUnderWay, KubeClient, Controller, GatewayMetrics, Demand],
        },
        {
          provide: ControllerHost,
          useFactory: makeHost,
          inject: [World, Controller, LateObjects, Demand, KubeClient, Readiness, ControllerMetrics],
        },
        { provide: HealthStatus, useFactory: (world: World) => new HealthStatus(world, health), inject: [World] },
        {
          provide: DeleteSandbox,
          useFactory: (...[catalog, names, records, lateObjects, client, agents]: DeletingParts) =>
            new DeleteSandbox({ catalog, names, records, lateObjects, client, agents }),
          inject: [Catalog, NamesUnderWay, PendingRecords, LateObjects, KubeClient, AgentClient],
        },
        ...[UpdateSandbox, SandboxQueries, SandboxLogs],
      ],
    };
  }
}

type DeletingParts = [Catalog, NamesUnderWay, PendingRecords, LateObjects, KubeClient, AgentClient];
type RecordingParts = [World, PendingRecords, KubeClient, EventRecorder, ControllerMetrics];

function recordController(config: GatewayConfig, parts: RecordingParts): Controller {
  const [{ agents }, records, client, events, metrics] = parts;
  const giveUpAfterMs = config.fastpathOrphanTimeout;
  const reconciler = new RecordSandbox({ client, agents, events, records, giveUpAfterMs });
  const queue = { baseDelayMs: 100, maxDelayMs: 5_000 };
  return new Controller(reconciler, { name: 'record-sandbox', concurrency: RECORD_CONCURRENCY, metrics, queue });
}

type CreateParts = [World, PendingRecords, Catalog, NamesUnderWay, KubeClient, Controller, GatewayMetrics, Demand];

function createSandbox(config: GatewayConfig, parts: CreateParts): CreateSandbox {
  const [{ sandboxes, pools, directory, agents }, records, catalog, names, client, controller, metrics, demand] = parts;
  const placer = new Placer({ directory, client: agents });
  const lookup = new PoolLookup(client, pools);
  const record = (key: string): void => {
    controller.queue.add(key);
  };
  const modes = {
    fast: new FastCreate({ pools: lookup, placer, records, record }),
    strong: new StrongCreate({ client, sandboxes, pools: lookup }),
  };
  const requestIds = new RequestIds({ sandboxes, catalog, strong: modes.strong });
  const nanos = unixNanos();
  const defaults = (): { mode: 'fast' | 'strong'; agentPort: number; nowNanos: bigint } => ({
    mode: config.fastpathConsistencyMode,
    agentPort: config.agentPort,
    nowNanos: nanos(),
  });
  return new CreateSandbox({ defaults, catalog, names, requestIds, modes, metrics, demand: demand.capacity });
}

/** Unix nanoseconds of the wall clock, which has milliseconds: of two creates in one, the later gets the later number. */
function unixNanos(): () => bigint {
  let last = 0n;
  return () => {
    const now = BigInt(Date.now()) * 1_000_000n;
    last = now > last ? now : last + 1n;
    return last;
  };
}

type HostParts = [World, Controller, LateObjects, Demand, KubeClient, Readiness, ControllerMetrics];

function makeHost(...parts: HostParts): ControllerHost {
  const [{ sandboxes, pools, pods, directory, agents }, controller, lateObjects, demand, ...rest] = parts;
  const [client, readiness, metrics] = rest;
  const late = new Controller(lateObjects, { name: 'late-objects', concurrency: LATE_CONCURRENCY, metrics });
  sandboxes.onChange((key) => {
    if (lateObjects.isLate(key)) late.queue.add(key);
  });
  readiness.add('agents', () => directory.isSettled || 'the agents have not told yet what they have');
  const following = {
    start: () => {
      directory.start();
    },
    stop: async () => {
      await directory.stop();
      agents.close();
    },
  };
  return new ControllerHost(
    { client, readiness, metrics },
    {
      name: GATEWAY,
      informers: { sandboxes, pools, pods },
      controllers: [controller, late, demand.controller],
      runnables: [following],
    },
  );
}
