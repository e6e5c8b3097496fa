import { type DynamicModule, Global, Module } from '@nestjs/common';
import { AgentClient } from '@fsb/agent-api/agent-client';
import { KubeClient } from '@fsb/controller-runtime/kube-client';
import { RefusedReports } from '@fsb/placement/refused-reports';
import { Registry } from 'prom-client';
import { type GatewayConfig } from './gateway.config';
import { Catalog } from './sandboxes/catalog';
import { PendingRecords } from './sandboxes/pending-records';
import { GatewayCaches } from './gateway-caches';

/** Global module: one world of caches, the pending records and the catalog over both. */
@Global()
@Module({})
export class GatewayCachesModule {
  static forRoot(config: GatewayConfig): DynamicModule {
    return {
      module: GatewayCachesModule,
      providers: [
        {
          provide: GatewayCaches,
          useFactory: (client: KubeClient, registry: Registry) =>
            new GatewayCaches(config, client, new RefusedReports(registry)),
          inject: [KubeClient, Registry],
        },
        { provide: AgentClient, useFactory: ({ agents }: GatewayCaches) => agents, inject: [GatewayCaches] },
        PendingRecords,
        { provide: Catalog, useFactory: makeCatalog, inject: [GatewayCaches, PendingRecords] },
      ],
      exports: [GatewayCaches, AgentClient, PendingRecords, Catalog],
    };
  }
}

function makeCatalog(world: GatewayCaches, records: PendingRecords): Catalog {
  const { sandboxes, directory } = world;
  return new Catalog({ sandboxes, directory, records, isFilled: () => world.isFilled });
}
