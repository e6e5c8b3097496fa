import { type EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type Logger } from 'pino';
import { type PodNetwork } from './pod-network';
import { type SecretVolumes } from './secret-volumes';
import { type PodFacts } from './pod-plan';

/** Shared by all Pods of a node. */
export interface NodeContext {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly network: PodNetwork;
  readonly secrets: SecretVolumes;
  readonly logger: Logger;
  /** folder of the Pods' records */
  readonly runDir: string;
  readonly logDir: string;
  /** name of the parent cgroup of all Pods */
  readonly cgroup: string;
  readonly facts: Omit<PodFacts, 'podIp'>;
  /** Node.js file that runs for the image fast-sandbox/node-agent */
  readonly agentEntry: string;
  /** aborts when the node process ends; Pods keep running */
  readonly closing: AbortSignal;
}
