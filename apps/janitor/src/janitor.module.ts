import { type DynamicModule, Module } from '@nestjs/common';
import { AGENT_APP, AGENT_APP_LABEL } from '@fsb/api/labels';
import { Readiness } from '@fsb/component-base/readiness';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { Controller } from '@fsb/controller-runtime/controller';
import { ControllerHost } from '@fsb/controller-runtime/controller-host';
import { EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { Informer } from '@fsb/controller-runtime/informer';
import { installationId } from '@fsb/controller-runtime/installation';
import { type Lease, LEASE_KIND, type Pod, POD_KIND } from '@fsb/controller-runtime/kinds';
import { KubeClient } from '@fsb/controller-runtime/kube-client';
import { KubeModule } from '@fsb/controller-runtime/kube.module';
import { ControllerMetrics } from '@fsb/controller-runtime/metrics';
import { Registry } from 'prom-client';
import { type JanitorConfig } from './janitor.config';
import { JanitorMetrics } from './janitor.metrics';
import { ClusterEvidence } from './sweep/cluster-evidence';
import { LeaseWatch } from './sweep/lease-watch';
import { SWEEP, Sweeper } from './sweep/sweeper';

/** Whose Lease shows that somebody is there to adopt. */
const ADOPTER = 'sandbox-controller';

@Module({})
export class JanitorModule {
  static forRoot(config: JanitorConfig): DynamicModule {
    return {
      module: JanitorModule,
      imports: [KubeModule.forRoot({ kubeconfig: config.kubeconfig, component: 'janitor' })],
      providers: [
        {
          provide: JanitorMetrics,
          useFactory: (registry: Registry) => new JanitorMetrics(registry),
          inject: [Registry],
        },
        {
          provide: ControllerHost,
          useFactory: (
            client: KubeClient,
            events: EventRecorder,
            metrics: JanitorMetrics,
            readiness: Readiness,
            controllerMetrics: ControllerMetrics,
          ) => host(config, { client, events, metrics, readiness, controllerMetrics }),
          inject: [KubeClient, EventRecorder, JanitorMetrics, Readiness, ControllerMetrics],
        },
      ],
    };
  }
}

interface HostParts {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly metrics: JanitorMetrics;
  readonly readiness: Readiness;
  readonly controllerMetrics: ControllerMetrics;
}

function host(
  config: JanitorConfig,
  { client, events, metrics, readiness, controllerMetrics }: HostParts,
): ControllerHost {
  const pods = new Informer<Pod>({
    client,
    kind: POD_KIND,
    labelSelector: `${AGENT_APP_LABEL}=${AGENT_APP}`,
    fieldSelector: `spec.nodeName=${config.nodeName}`,
  });
  const leases = new Informer<Lease>({
    client,
    kind: LEASE_KIND,
    namespace: config.leaderElectionNamespace,
    fieldSelector: `metadata.name=${ADOPTER}`,
  });
  const adopter = new LeaseWatch();
  leases.onChange((_key, lease) => {
    adopter.observe(lease);
  });
  const runtime = new SandboxRuntime(new ContainerdClient(config.containerdSocket));
  const evidence = new ClusterEvidence(client, pods, adopter);
  let installation: Promise<string> | undefined;
  const sweeper = new Sweeper(config, {
    ...{ runtime, evidence, events, metrics },
    installation: () => {
      installation ??= installationId(client);
      installation.catch(() => (installation = undefined));
      return installation;
    },
  });
  const controller = new Controller(sweeper, {
    name: 'janitor',
    concurrency: 1,
    metrics: controllerMetrics,
    allKeys: () => [SWEEP],
  });
  pods.onChange((_key, current) => {
    if (!current) controller.queue.add(SWEEP);
  });
  return new ControllerHost(
    { client, readiness, metrics: controllerMetrics },
    { name: 'janitor', informers: { pods, leases }, controllers: [controller] },
  );
}
