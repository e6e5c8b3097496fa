import { type DynamicModule, Module } from '@nestjs/common';
import { NamespaceLimits } from '@fsb/quota/namespace-limits';
import { followReports } from '@fsb/quota/reported-usage';
import { followSandboxes } from '@fsb/quota/sandbox-usage';
import { UsageLedger } from '@fsb/quota/usage-ledger';
import { type GatewayConfig } from '../gateway.config';
import { PendingRecords } from '../sandboxes/pending-records';
import { World } from '../world';
import { CallSeats } from './call-seats';
import { CreateRate } from './create-rate';
import { FairSeats } from './fair-seats';
import { NamespaceQuota } from './namespace-quota';

/** Beyond these a create that waits is of no use to its caller, and costs memory. */
const WAITING = { waitingPerNamespace: 1_024, waiting: 8_192 };

/** What a namespace may have, how fast it may ask for it, and its turn among the others. */
@Module({})
export class QuotaModule {
  static forRoot(config: GatewayConfig): DynamicModule {
    const { maxCreatesInFlight: seats, namespaceCreatesPerSecond, maxCallsPerUser: callsPerUser } = config;
    return {
      module: QuotaModule,
      providers: [
        CreateRate,
        { provide: UsageLedger, useFactory: makeLedger, inject: [World] },
        { provide: NamespaceLimits, useFactory: ({ quotas }: World) => new NamespaceLimits(quotas), inject: [World] },
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

function makeLedger({ directory, sandboxes, pools }: World): UsageLedger {
  const ledger = new UsageLedger();
  followSandboxes(ledger, { sandboxes, pools, counts: () => true });
  followReports(ledger, directory);
  return ledger;
}
