import { type DynamicModule, Module } from '@nestjs/common';
import { AgentClient } from '@fsb/agent-api/agent-client';
import { TlsFolder } from '@fsb/component-base/tls-folder';
import { Readiness } from '@fsb/component-base/readiness';
import { Controller } from '@fsb/controller-runtime/controller';
import { ControllerHost } from '@fsb/controller-runtime/controller-host';
import { EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { Informer } from '@fsb/controller-runtime/informer';
import { keyOf, POD_KIND, POOL_KIND, RESOURCE_QUOTA_KIND, SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { KubeClient } from '@fsb/controller-runtime/kube-client';
import { KubeModule } from '@fsb/controller-runtime/kube.module';
import { ControllerMetrics } from '@fsb/controller-runtime/metrics';
import { AgentDirectory } from '@fsb/placement/agent-directory';
import { AGENT_POD_SELECTOR } from '@fsb/placement/agent-pod';
import { namespaceOf } from '@fsb/placement/agent-reports';
import { NamespaceLimits } from '@fsb/quota/namespace-limits';
import { followReports } from '@fsb/quota/reported-usage';
import { followSandboxes } from '@fsb/quota/sandbox-usage';
import { UsageLedger } from '@fsb/quota/usage-ledger';
import { RefusedReports } from '@fsb/placement/refused-reports';
import { TemplateVerifier } from '@fsb/placement/vouched-template';
import { Registry } from '@fsb/registry/registry';
import { Registry as Metrics } from 'prom-client';
import { CreateCalls } from './apply/create-calls';
import { OrphanActions } from './apply/orphan-actions';
import { SandboxActions } from './apply/sandbox-actions';
import { enqueueQuotas, QuotaStatusReconciler } from './quota/quota-status.reconciler';
import { type SandboxControllerConfig } from './sandbox-controller.config';
import { SandboxReconciler } from './sandbox.reconciler';
import { enqueueSandboxesOnChange } from './sandbox-triggers';
import { createTrace } from './world/create-trace';
import { AgentSilence } from './world/agent-silence';
import { PlacementMemory } from './world/placement-memory';
import { isPlaced, PlacementQuota } from './world/placement-quota';
import { SandboxInputs } from './world/sandbox-inputs';
import { WorldReader } from './world/world-reader';

export const SANDBOX_CONTROLLER = 'sandbox-controller';
const CONCURRENCY = 8;

@Module({})
export class SandboxControllerModule {
  static forRoot(config: SandboxControllerConfig): DynamicModule {
    return {
      module: SandboxControllerModule,
      imports: [KubeModule.forRoot({ kubeconfig: config.kubeconfig, component: SANDBOX_CONTROLLER })],
      providers: [
        {
          provide: ControllerHost,
          useFactory: (...[client, events, metrics, readiness, registry]: Injected) =>
            makeHost(config, { client, events, metrics, readiness, refused: new RefusedReports(registry) }),
          inject: [KubeClient, EventRecorder, ControllerMetrics, Readiness, Metrics],
        },
      ],
    };
  }
}

type Injected = [KubeClient, EventRecorder, ControllerMetrics, Readiness, Metrics];

interface Services {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly metrics: ControllerMetrics;
  readonly readiness: Readiness;
  readonly refused: RefusedReports;
}

function makeHost(config: SandboxControllerConfig, services: Services): ControllerHost {
  const { client, events, metrics, readiness, refused } = services;
  const caches = {
    sandboxes: new Informer({ client, kind: SANDBOX_KIND }),
    pools: new Informer({ client, kind: POOL_KIND }),
    pods: new Informer({ client, kind: POD_KIND, labelSelector: AGENT_POD_SELECTOR }),
    quotas: new Informer({ client, kind: RESOURCE_QUOTA_KIND }),
  };
  const tls = new TlsFolder(config.agentTlsDir);
  const agents = new AgentClient({ tls, port: config.agentPort });
  const directory = new AgentDirectory({ registry: new Registry(), client: agents, refused, ...caches });
  const verifier = new TemplateVerifier(tls);
  const memory = new PlacementMemory();
  const silence = new AgentSilence();
  const orphanTimeoutMs = config.fastpathOrphanTimeout;
  let acting = Date.now();
  const actingSince = (): number => acting;
  const calls = new CreateCalls(agents, {
    settled: (key) => {
      controller.queue.add(key);
    },
    release: (agentId, sandboxId) => {
      directory.registry.release(agentId, sandboxId);
    },
  });
  const common = { client, agents, directory, calls, memory, events };
  const inputs = new SandboxInputs(client, events, config.allowedRegistries);
  const ledger = new UsageLedger();
  followSandboxes(ledger, { ...caches, counts: isPlaced });
  followReports(ledger, directory);
  const quota = new PlacementQuota(new NamespaceLimits(caches.quotas), ledger);
  quota.follow(caches.sandboxes);
  const reconciler = new SandboxReconciler({
    ...{ client, calls, memory, verifier, orphanTimeoutMs, actingSince, sandboxes: caches.sandboxes },
    reader: new WorldReader({ ...common, ...caches, silence, inputs, quota, orphanTimeoutMs, actingSince }),
    actions: new SandboxActions({ ...common, quota }),
    orphans: new OrphanActions({ ...common, verifier, quota }),
  });
  const controller = new Controller(reconciler, {
    name: 'sandbox',
    concurrency: CONCURRENCY,
    metrics,
    traceOf: (key) => createTrace(caches.sandboxes.get(key), Date.now()),
    allKeys: () => [...caches.sandboxes.list().map(keyOf), ...claimedKeys(directory)],
  });
  enqueueSandboxesOnChange({ ...caches, directory, memory, silence }, controller.queue);
  const quotaParts = { client, quotas: caches.quotas, ledger, countsObjects: config.countQuotaObjects };
  const quotaStatus = new Controller(new QuotaStatusReconciler(quotaParts), {
    name: 'quota-status',
    concurrency: 1,
    metrics,
    allKeys: () => caches.quotas.list().map(keyOf),
  });
  enqueueQuotas(quotaParts, quotaStatus.queue);
  const leading = {
    start: () => {
      acting = Date.now();
      controller.start();
    },
    stop: (graceMs: number) => controller.stop(graceMs),
  };
  const stop = async (): Promise<void> => {
    await Promise.all([calls.stop(), directory.stop()]);
    agents.close();
  };
  const following = {
    start: () => {
      directory.start();
    },
    stop,
  };
  return new ControllerHost(
    { client, readiness, metrics },
    {
      name: SANDBOX_CONTROLLER,
      informers: caches,
      controllers: [leading, quotaStatus],
      runnables: [following],
      election: config.leaderElect ? { namespace: config.leaderElectionNamespace } : undefined,
    },
  );
}

/** Keys of the names that containers claim, with or without an object. */
function* claimedKeys(directory: AgentDirectory): Generator<string> {
  for (const { agent, sandbox } of directory.reports()) {
    if (sandbox.claimName) yield `${namespaceOf(agent.id)}/${sandbox.claimName}`;
  }
}
