import { type DynamicModule, Module } from '@nestjs/common';
import { NamespaceLimits } from '@fsb/quota/namespace-limits';
import { followReports } from '@fsb/quota/reported-usage';
import { followSandboxes } from '@fsb/quota/sandbox-usage';
import { UsageLedger } from '@fsb/quota/usage-ledger';
import { type GatewayConfig } from '../gateway.config';
import { PendingRecords } from '../sandboxes/pending-records';
import { GatewayCaches } from '../gateway-caches';
import { CallSeats } from './call-seats';
import { CreateRate } from './create-rate';
import { FairSeats } from './fair-seats';
import { NamespaceQuota } from './namespace-quota';

/** Bounds of the creates that wait for a seat. Beyond them a wait is too long to be of use, and costs memory. */
const WAITING = { waitingPerNamespace: 1_024, waiting: 8_192 };

/** Quotas of namespaces, their rate of creates, and the seats they share. */
@Module({})
export class QuotaModule {
  static forRoot(config: GatewayConfig): DynamicModule {
    const { maxCreatesInFlight: seats, namespaceCreatesPerSecond, maxCallsPerUser: callsPerUser } = config;
    return {
      module: QuotaModule,
      providers: [
        CreateRate,
        { provide: UsageLedger, useFactory: makeLedger, inject: [GatewayCaches] },
        {
          provide: NamespaceLimits,
          useFactory: ({ quotas }: GatewayCaches) => new NamespaceLimits(quotas),
          inject: [GatewayCaches],
        },
        {
          provide: NamespaceQuota,
          useFactory: (limits: NamespaceLimits, ledger: UsageLedger, rate: CreateRate, records: PendingRecords) =>
            new NamespaceQuota({ limits, ledger, rate, records, createsPerSecond: namespaceCreatesPerSecond }),
          inject: [NamespaceLimits, UsageLedger, CreateRate, PendingRecords],
        },
        {
          provide: CallSeats,
          useFactory: () => new CallSeats({ callsPerUser, logStreams: config.maxLogStreams }),
        },
        { provide: FairSeats, useFactory: () => new FairSeats({ seats, ...WAITING }) },
      ],
      exports: [CallSeats, NamespaceQuota, FairSeats],
    };
  }
}

function makeLedger({ directory, sandboxes, pools }: GatewayCaches): UsageLedger {
  const ledger = new UsageLedger();
  followSandboxes(ledger, { sandboxes, pools, counts: () => true });
  followReports(ledger, directory);
  return ledger;
}
