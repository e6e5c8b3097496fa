import { type DynamicModule, Module } from '@nestjs/common';
import { POOL_LABEL } from '@fsb/api/labels';
import { Readiness } from '@fsb/component-base/readiness';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { Controller } from '@fsb/controller-runtime/controller';
import { ControllerHost } from '@fsb/controller-runtime/controller-host';
import { EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { Informer } from '@fsb/controller-runtime/informer';
import { type Lease, LEASE_KIND, type Pod, POD_KIND } from '@fsb/controller-runtime/kinds';
import { KubeClient } from '@fsb/controller-runtime/kube-client';
import { KubeModule } from '@fsb/controller-runtime/kube.module';
import { ControllerMetrics } from '@fsb/controller-runtime/metrics';
import { Registry } from 'prom-client';
import { ContainerdProbe } from './containerd-probe';
import { agentGone, Janitor, type JanitorParts, SWEEP } from './janitor';
import { type JanitorConfig } from './janitor.config';
import { JanitorMetrics } from './janitor.metrics';
import { NodeOrphanSweep } from './orphans/node-orphan-sweep';
import { MachineSource } from './orphans/machine-source';
import { RuntimeSource } from './orphans/runtime-source';
import { Removals } from './removals';
import { Suspects } from './suspects';
import { ClusterEvidence } from './sweep/cluster-evidence';
import { ContainerSweep } from './sweep/container-sweep';
import { LeaseWatch } from './sweep/lease-watch';

/** Name of the Lease whose holder adopts unbound containers. */
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
    labelSelector: POOL_LABEL,
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
  const containerd = new ContainerdClient(config.containerdSocket);
  const evidence = new ClusterEvidence(client, config.nodeName, pods, adopter);
  const janitor = makeJanitor(config, containerd, evidence, new Removals(events, metrics, config));
  const controller: Controller = new Controller(
    janitor(() => controller.queue),
    {
      ...{ name: 'janitor', concurrency: 4, metrics: controllerMetrics, allKeys: () => [SWEEP] },
      queue: { baseDelayMs: 500, maxDelayMs: 30_000 },
    },
  );
  pods.onChange((_key, current, previous) => {
    const uid = previous?.metadata.uid;
    if (uid !== undefined && uid !== current?.metadata.uid) controller.queue.add(agentGone(uid));
  });
  const probe = new ContainerdProbe(containerd, readiness, () => {
    controller.queue.add(SWEEP);
  });
  return new ControllerHost(
    { client, readiness, metrics: controllerMetrics },
    { name: 'janitor', informers: { pods, leases }, controllers: [controller], runnables: [probe] },
  );
}

function makeJanitor(
  config: JanitorConfig,
  containerd: ContainerdClient,
  evidence: ClusterEvidence,
  removals: Removals,
): (queue: JanitorParts['queue']) => Janitor {
  const runtime = new SandboxRuntime(containerd);
  const sources = [new RuntimeSource(config, containerd, runtime, evidence), new MachineSource(config, evidence)];
  const containers = new ContainerSweep(config, { runtime, evidence, removals, suspects: new Suspects() });
  const leftovers = new NodeOrphanSweep(config, { sources, evidence, removals });
  const scanIntervalMs = config.scanInterval;
  return (queue) => new Janitor({ runtime, evidence, containers, leftovers, queue, scanIntervalMs });
}
