import { type DynamicModule, Module } from '@nestjs/common';
import { AgentClient } from '@fsb/agent-api/agent-client';
import { Readiness } from '@fsb/component-base/readiness';
import { tracePosition } from '@fsb/component-base/tracing/tracing';
import { Traffic } from '@fsb/component-base/traffic';
import { ControllerHost } from '@fsb/controller-runtime/controller-host';
import { EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { KubeClient } from '@fsb/controller-runtime/kube-client';
import { KubeModule } from '@fsb/controller-runtime/kube.module';
import { ControllerMetrics } from '@fsb/controller-runtime/metrics';
import { Placer } from '@fsb/placement/placer';
import { Registry } from 'prom-client';
import { Access } from './access/access';
import { AccessGuard } from './access/access.guard';
import { AuditModule } from './audit/audit.module';
import { type CreateDefaults } from './create/validated-create';
import { CreateSandbox } from './create/create-sandbox';
import { CreatesInFlight } from './create/creates-in-flight';
import { FastCreate } from './create/fast-create';
import { AnsweredCreate } from './create/answered-create';
import { PoolLookup } from './create/pool-lookup';
import { RequestIds } from './create/request-ids';
import { RunSandbox } from './create/run-sandbox';
import { RoomQueue } from './create/room-queue';
import { StrongCreate } from './create/strong-create';
import { WaitForRoom } from './create/wait-for-room';
import { PoolShortage } from './shortage/pool-shortage';
import { type PoolKey } from './shortage/pool-growth';
import { type GatewayConfig } from './gateway.config';
import { GatewayMetrics } from './gateway.metrics';
import { FastPathController } from './grpc/fastpath.controller';
import { type GrpcHealth } from './grpc/grpc-server';
import { ImagesController } from './grpc/images.controller';
import { LogsController } from './grpc/logs.controller';
import { PoolImages } from './images/pool-images';
import { Serving } from './grpc/serving';
import { FairSeats } from './quota/fair-seats';
import { NamespaceQuota } from './quota/namespace-quota';
import { QuotaModule } from './quota/quota.module';
import { AgentDeletes } from './sandboxes/agent-deletes';
import { Catalog } from './sandboxes/catalog';
import { DeleteSandbox } from './sandboxes/delete-sandbox';
import { LateObjects } from './sandboxes/late-objects';
import { PendingRecords } from './sandboxes/pending-records';
import { RecordSandbox } from './sandboxes/record-sandbox';
import { GracefulDelete } from './sandboxes/graceful-delete';
import { SandboxLogReader } from './sandboxes/sandbox-log-reader';
import { SandboxQueries } from './sandboxes/sandbox-queries';
import { SandboxObjects } from './sandboxes/sandbox-objects';
import { UpdateSandbox } from './sandboxes/update-sandbox';
import { WriteBehind } from './sandboxes/write-behind';
import { GatewayCaches } from './gateway-caches';
import { GatewayCachesModule } from './gateway-caches.module';

export const GATEWAY = 'fastpath-gateway';

@Module({})
export class GatewayModule {
  static forRoot(config: GatewayConfig, health: GrpcHealth): DynamicModule {
    return {
      module: GatewayModule,
      imports: [
        KubeModule.forRoot({ kubeconfig: config.kubeconfig, component: GATEWAY }),
        GatewayCachesModule.forRoot(config),
        AuditModule.forRoot(config),
        QuotaModule.forRoot(config),
      ],
      controllers: [FastPathController, LogsController, ImagesController],
      providers: [
        { provide: Access, useFactory: (client: KubeClient) => new Access(client, config), inject: [KubeClient] },
        AccessGuard,
        CreatesInFlight,
        Traffic,
        {
          provide: GatewayMetrics,
          useFactory: (registry: Registry, records: PendingRecords) => new GatewayMetrics(registry, () => records.size),
          inject: [Registry, PendingRecords],
        },
        {
          provide: LateObjects,
          useFactory: ({ sandboxes }: GatewayCaches, client: KubeClient, events: EventRecorder) =>
            new LateObjects({ sandboxes, client, events, rememberMs: 2 * config.fastpathOrphanTimeout }),
          inject: [GatewayCaches, KubeClient, EventRecorder],
        },
        {
          provide: AgentDeletes,
          useFactory: ({ directory, agents }: GatewayCaches, lateObjects: LateObjects) =>
            new AgentDeletes({ directory, agents, lateObjects }),
          inject: [GatewayCaches, LateObjects],
        },
        {
          provide: WriteBehind,
          useFactory: (...parts: WritingParts) => writeBehind(config, parts),
          inject: [GatewayCaches, PendingRecords, LateObjects, KubeClient, EventRecorder, ControllerMetrics, Traffic],
        },
        {
          provide: PoolShortage,
          useFactory: (world: GatewayCaches, client: KubeClient, metrics: ControllerMetrics) =>
            new PoolShortage(world, client, metrics),
          inject: [GatewayCaches, KubeClient, ControllerMetrics],
        },
        {
          provide: CreateSandbox,
          useFactory: (...parts: CreateParts) => createSandbox(config, parts),
          inject: [
            GatewayCaches,
            WriteBehind,
            Catalog,
            CreatesInFlight,
            KubeClient,
            GatewayMetrics,
            PoolShortage,
            Traffic,
            NamespaceQuota,
            FairSeats,
            AgentDeletes,
          ],
        },
        {
          provide: ControllerHost,
          useFactory: makeHost,
          inject: [GatewayCaches, WriteBehind, PoolShortage, KubeClient, Readiness, ControllerMetrics],
        },
        {
          provide: Serving,
          useFactory: (world: GatewayCaches) =>
            new Serving(world, health, config.grpcBindAddress, config.insecurePlaintext),
          inject: [GatewayCaches],
        },
        {
          provide: DeleteSandbox,
          useFactory: (...[catalog, underWay, records, deletes, lateObjects, client, agents]: DeletingParts) =>
            new DeleteSandbox({ catalog, underWay, records, deletes, lateObjects, client, agents }),
          inject: [Catalog, CreatesInFlight, PendingRecords, AgentDeletes, LateObjects, KubeClient, AgentClient],
        },
        {
          provide: PoolImages,
          useFactory: ({ directory }: GatewayCaches) => new PoolImages(directory),
          inject: [GatewayCaches],
        },
        ...[
          AnsweredCreate,
          GracefulDelete,
          UpdateSandbox,
          SandboxQueries,
          SandboxObjects,
          SandboxLogReader,
          RunSandbox,
        ],
      ],
    };
  }
}

/** Bounds of the creates that wait for room. Each holds its request in memory, a few KiB. */
const WAITING = { waitingPerNamespace: 256, waiting: 4_096 };

type DeletingParts = [
  ...[Catalog, CreatesInFlight, PendingRecords, AgentDeletes],
  ...[LateObjects, KubeClient, AgentClient],
];
type WritingParts = [GatewayCaches, PendingRecords, LateObjects, KubeClient, EventRecorder, ControllerMetrics, Traffic];

function writeBehind(config: GatewayConfig, parts: WritingParts): WriteBehind {
  const [{ sandboxes, agents }, records, lateObjects, client, events, metrics, traffic] = parts;
  const giveUpAfterMs = config.fastpathOrphanTimeout;
  const recordSandbox = new RecordSandbox({ client, agents, events, records, traffic, giveUpAfterMs });
  return new WriteBehind({ records, recordSandbox, lateObjects, sandboxes, metrics });
}

type CreateParts = [
  ...[GatewayCaches, WriteBehind, Catalog, CreatesInFlight, KubeClient, GatewayMetrics],
  ...[PoolShortage, Traffic, NamespaceQuota, FairSeats, AgentDeletes],
];

function createSandbox(config: GatewayConfig, parts: CreateParts): CreateSandbox {
  const [world, behind, catalog, underWay, client, metrics, demand, traffic, quota, seats, deletes] = parts;
  const { sandboxes, pools, directory, agents } = world;
  const placer = new Placer({ directory, client: agents });
  const waiting = new WaitForRoom({
    queue: roomQueue(world, demand),
    growth: demand.growth,
    deletes,
    demand: demand.capacity,
  });
  const modes = {
    fast: new FastCreate({ placer, writeBehind: behind, traffic, seats, deletes, signer: world.signer, waiting }),
    strong: new StrongCreate({ client, sandboxes, seats, deletes }),
  };
  const requestIds = new RequestIds({ sandboxes, catalog, client, strong: modes.strong });
  const nanos = unixNanos();
  const defaults = (): CreateDefaults => ({
    mode: config.fastpathConsistencyMode,
    agentPort: config.agentPort,
    allowedRegistries: config.allowedRegistries,
    nowNanos: nanos(),
    now: performance.now(),
    traceparent: tracePosition()?.traceparent,
  });
  return new CreateSandbox({
    ...{ defaults, catalog, underWay, requestIds, modes, metrics, quota },
    pools: new PoolLookup(client, pools),
    demand: demand.capacity,
  });
}

/** The queue of creates that wait for room; it looks again after each change of an agent and each report. */
function roomQueue({ directory }: GatewayCaches, { growth }: PoolShortage): RoomQueue {
  const isRoomComing = (pool: PoolKey): boolean => growth.isRoomComing(pool);
  const queue = new RoomQueue({ registry: directory.registry, isRoomComing, limits: WAITING });
  const look = (): void => {
    queue.wake();
  };
  directory.onAgent(look);
  directory.onReport(look);
  return queue;
}

/**
 * A clock of Unix nanoseconds, from the wall clock's milliseconds. It always increases: two creates within one
 * millisecond get different numbers.
 */
function unixNanos(): () => bigint {
  let last = 0n;
  return () => {
    const now = BigInt(Date.now()) * 1_000_000n;
    last = now > last ? now : last + 1n;
    return last;
  };
}

type HostParts = [GatewayCaches, WriteBehind, PoolShortage, KubeClient, Readiness, ControllerMetrics];

function makeHost(...[world, behind, demand, client, readiness, metrics]: HostParts): ControllerHost {
  const { sandboxes, pools, pods, quotas, directory } = world;
  readiness.add('agents', () => directory.isSettled || 'the agents have not reported yet');
  return new ControllerHost(
    { client, readiness, metrics },
    {
      name: GATEWAY,
      informers: { sandboxes, pools, pods, quotas },
      controllers: [...behind.controllers, demand.controller],
      runnables: [world],
    },
  );
}
