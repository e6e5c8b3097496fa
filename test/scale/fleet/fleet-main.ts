import { Logger } from '@nestjs/common';
import { KubeClient, loadKubeConfig } from '@fsb/controller-runtime/kube-client';
import { TlsFolder } from '@fsb/component-base/tls-folder';
import { AgentDoor, type Requests } from './agent-door';
import { SimulatedNode } from './simulated-node';

export interface FleetOptions {
  readonly kubeconfig: string;
  /** folder with a certificate valid for all agents */
  readonly tlsDir: string;
  readonly port: number;
  readonly slots: number;
}

export type FleetQuestion =
  { readonly op: 'counts' } | { readonly op: 'lose'; readonly count: number } | { readonly op: 'stop' };

export interface FleetCounts {
  readonly agents: number;
  readonly sandboxes: number;
  /** sandboxes without an object yet */
  readonly unbound: number;
  readonly requests: Requests;
}

/** Runs all simulated agents and their node as one process that answers its parent's questions. */
export async function runFleet({ kubeconfig, tlsDir, port, slots }: FleetOptions): Promise<void> {
  Logger.overrideLogger(['warn', 'error']);
  const client = new KubeClient(loadKubeConfig(kubeconfig), 'simulated-node');
  const door = new AgentDoor(port, new TlsFolder(tlsDir).current);
  const node = new SimulatedNode(client, door, slots);
  process.on('disconnect', () => process.exit(1)); // the parent is gone
  process.on('message', (question: FleetQuestion) => {
    void reply(question);
  });
  await node.start();
  process.send?.({ ready: true });

  async function reply(question: FleetQuestion): Promise<void> {
    if (question.op === 'counts') process.send?.({ ...node.counts(), requests: door.requests } satisfies FleetCounts);
    else if (question.op === 'lose') process.send?.({ lost: await node.lose(question.count) });
    else {
      await node.stop();
      door.close();
      await client.close();
      process.exit(0);
    }
  }
}
