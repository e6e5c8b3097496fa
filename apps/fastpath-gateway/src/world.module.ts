import { type DynamicModule, Global, Module } from '@nestjs/common';
import { AgentClient } from '@fsb/agent-api/agent-client';
import { KubeClient } from '@fsb/controller-runtime/kube-client';
import { RefusedReports } from '@fsb/placement/refused-reports';
import { Registry } from 'prom-client';
import { type GatewayConfig } from './gateway.config';
import { Catalog } from './sandboxes/catalog';
import { PendingRecords } from './sandboxes/pending-records';
import { World } from './world';

/** Global module: one world of caches, the pending records and the catalog over both. */
@Global()
@Module({})
export class WorldModule {
  static forRoot(config: GatewayConfig): DynamicModule {
    return {
      module: WorldModule,
      providers: [
        {
          provide: World,
          useFactory: (client: KubeClient, registry: Registry) =>
            new World(config, client, new RefusedReports(registry)),
          inject: [KubeClient, Registry],
        },
        { provide: AgentClient, useFactory: ({ agents }: World) => agents, inject: [World] },
        PendingRecords,
        { provide: Catalog, useFactory: makeCatalog, inject: [World, PendingRecords] },
      ],
      exports: [World, AgentClient, PendingRecords, Catalog],
    };
  }
}

function makeCatalog(world: World, records: PendingRecords): Catalog {
  const { sandboxes, directory } = world;
  return new Catalog({ sandboxes, directory, records, isFilled: () => world.isFilled });
}
