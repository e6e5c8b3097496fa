import { type DynamicModule, Global, Module, type OnModuleDestroy } from '@nestjs/common';
import { flag } from '@fsb/component-base/config';
import { Registry } from 'prom-client';
import { z } from 'zod';
import { EventRecorder } from './event-recorder';
import { KubeClient, loadKubeConfig } from './kube-client';
import { ControllerMetrics } from './metrics';

export const kubeFlags = {
  kubeconfig: flag(
    z.string().optional(),
    "Kubeconfig file of the API server; absent: the Pod's service account",
    'KUBECONFIG',
  ),
};

export interface KubeOptions {
  readonly kubeconfig?: string | undefined;
  /** name of the process in Events and in the User-Agent */
  readonly component: string;
}

/** Provides one KubeClient, and thus one connection pool, to the whole process, with events and metrics. */
@Global()
@Module({})
export class KubeModule implements OnModuleDestroy {
  constructor(private readonly events: EventRecorder) {}

  static forRoot({ kubeconfig, component }: KubeOptions): DynamicModule {
    return {
      module: KubeModule,
      providers: [
        {
          provide: KubeClient,
          useFactory: (metrics: ControllerMetrics) => new KubeClient(loadKubeConfig(kubeconfig), component, metrics),
          inject: [ControllerMetrics],
        },
        {
          provide: EventRecorder,
          useFactory: (client: KubeClient) => new EventRecorder(client, component),
          inject: [KubeClient],
        },
        {
          provide: ControllerMetrics,
          useFactory: (registry: Registry) => new ControllerMetrics(registry),
          inject: [Registry],
        },
      ],
      exports: [KubeClient, EventRecorder, ControllerMetrics],
    };
  }

  async onModuleDestroy(): Promise<void> {
    await this.events.stop();
  }
}
