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
    "The API server and how to reach it; absent: the Pod's service account",
    'KUBECONFIG',
  ),
};

export interface KubeOptions {
  readonly kubeconfig?: string | undefined;
  /** names the process in Events and to the API server */
  readonly component: string;
}

/** One client, and so one connection pool, for a whole process. */
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
