import { type DynamicModule, Logger, Module, type Provider } from '@nestjs/common';
import { AuditLog } from '@fsb/component-base/audit/audit-log';
import { AuditMetrics } from '@fsb/component-base/audit/audit-metrics';
import { openTarget } from '@fsb/component-base/audit/audit-target';
import { Registry } from 'prom-client';
import { type GatewayConfig } from '../gateway.config';
import { Catalog } from '../sandboxes/catalog';
import { CallAudit } from './call-audit';

/**
 * Provides the {@link CallAudit} whose interceptor `main.ts` gives to the gRPC server; none without `--audit-log-path`.
 */
@Module({})
export class AuditModule {
  static forRoot(config: GatewayConfig): DynamicModule {
    return { module: AuditModule, providers: config.auditLogPath === '' ? [] : [callAudit(config)] };
  }
}

function callAudit(config: GatewayConfig): Provider {
  const useFactory = async (registry: Registry, catalog: Catalog): Promise<CallAudit> => {
    const parts = { target: await openTarget(config), logger: new Logger(CallAudit.name) };
    const log = new AuditLog({ ...parts, metrics: new AuditMetrics(registry) });
    return new CallAudit({ log, identity: (namespace, name) => catalog.identity(namespace, name) });
  };
  return { provide: CallAudit, useFactory, inject: [Registry, Catalog] };
}
