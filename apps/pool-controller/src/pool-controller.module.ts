import { readFileSync } from 'node:fs';
import { type DynamicModule, Module } from '@nestjs/common';
import { AgentClient } from '@fsb/agent-api/agent-client';
import { AGENT_APP, AGENT_APP_LABEL } from '@fsb/api/labels';
import { POOL_DEMAND_SELECTOR } from '@fsb/api/pool-demand';
import { type CommonConfig } from '@fsb/component-base/bootstrap';
import { Readiness } from '@fsb/component-base/readiness';
import { Controller } from '@fsb/controller-runtime/controller';
import { ControllerHost } from '@fsb/controller-runtime/controller-host';
import { EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { Informer } from '@fsb/controller-runtime/informer';
import { installationId } from '@fsb/controller-runtime/installation';
import { CONFIG_MAP_KIND, keyOf, POD_KIND, POOL_KIND, SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { KubeClient } from '@fsb/controller-runtime/kube-client';
import { KubeModule } from '@fsb/controller-runtime/kube.module';
import { ControllerMetrics } from '@fsb/controller-runtime/metrics';
import { Registry } from 'prom-client';
import { AgentAuthority } from './certificates/agent-authority';
import { AgentCertificates } from './certificates/agent-certificates';
import { type PoolControllerConfig } from './pool-controller.config';
import { AgentCreation } from './pools/agent-creation';
import { type AgentSettings } from './pools/agent-pod';
import { AgentRemoval } from './pools/agent-removal';
import { ExpectedPods } from './pools/expected-pods';
import { PoolPlanExecutor } from './pools/pool-plan-executor';
import { demandPart } from './pools/pool-load';
import { PoolMetrics } from './pools/pool-metrics';
import { PoolReconciler } from './pools/pool-reconciler';
import { enqueuePoolsOnChange } from './pools/pool-triggers';
import { PoolWorlds } from './pools/pool-world';

export const POOL_CONTROLLER = 'pool-controller';
const CONCURRENCY = 4;

@Module({})
export class PoolControllerModule {
  /** @throws Error when the CA's files cannot be read */
  static async forRoot(config: Config): Promise<DynamicModule> {
    const pem = (file: string): string => readFileSync(file, 'utf8');
    const ca = { cert: pem(config.agentCaCertFile), key: pem(config.agentCaKeyFile) };
    const authority = await AgentAuthority.open(ca, POOL_CONTROLLER);
    return {
      module: PoolControllerModule,
      imports: [KubeModule.forRoot({ kubeconfig: config.kubeconfig, component: POOL_CONTROLLER })],
      providers: [
        {
          provide: ControllerHost,
          useFactory: (...[client, events, metrics, readiness, registry]: Provided) =>
            makeHost(config, { client, events, metrics, readiness, registry, authority }),
          inject: [KubeClient, EventRecorder, ControllerMetrics, Readiness, Registry],
        },
      ],
    };
  }
}

type Config = PoolControllerConfig & Partial<Pick<CommonConfig, 'otelExporterOtlpEndpoint'>>;
type Provided = [KubeClient, EventRecorder, ControllerMetrics, Readiness, Registry];

interface Parts {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly metrics: ControllerMetrics;
  readonly readiness: Readiness;
  readonly registry: Registry;
  readonly authority: AgentAuthority;
}

function makeHost(config: Config, parts: Parts): ControllerHost {
  const { client, events, metrics, readiness, registry, authority } = parts;
  const caches = {
    pools: new Informer({ client, kind: POOL_KIND }),
    pods: new Informer({ client, kind: POD_KIND, labelSelector: `${AGENT_APP_LABEL}=${AGENT_APP}` }),
    sandboxes: new Informer({ client, kind: SANDBOX_KIND, keep: demandPart }),
    demands: new Informer({ client, kind: CONFIG_MAP_KIND, labelSelector: POOL_DEMAND_SELECTOR }),
  };
  const expected = new ExpectedPods();
  const agents = new AgentClient({ tls: authority, port: config.agentPort });
  const certificates = new AgentCertificates(client, authority);
  const worlds = new PoolWorlds(caches, expected, config);
  const creation = new AgentCreation({ client, events, expected, certificates }, settingsOf(config, client));
  const change = new PoolPlanExecutor({ events, expected, creation, removal: new AgentRemoval(client, agents) });
  const reconciler = new PoolReconciler({
    ...{ client, events, worlds, change, certificates },
    metrics: new PoolMetrics(registry),
  });
  const controller = new Controller(reconciler, {
    name: 'sandboxpool',
    concurrency: CONCURRENCY,
    metrics,
    allKeys: () => caches.pools.list().map(keyOf),
  });
  enqueuePoolsOnChange(worlds, controller.queue);
  caches.pods.onChange((_key, pod, before) => {
    if (!pod) certificates.forget(before?.metadata.uid ?? '');
  });
  return new ControllerHost(
    { client, readiness, metrics },
    {
      name: POOL_CONTROLLER,
      informers: caches,
      controllers: [controller],
      election: config.leaderElect ? { namespace: config.leaderElectionNamespace } : undefined,
    },
  );
}

/** Settings with the installation's id, which never changes: read once, and again after a failure. */
function settingsOf(config: Config, client: KubeClient): () => Promise<AgentSettings> {
  let known: AgentSettings | undefined;
  return async () => (known ??= { ...config, installation: await installationId(client) });
}
