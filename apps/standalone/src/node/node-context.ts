import { type EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type Logger } from 'pino';
import { type PodNetwork } from './pod-network';
import { type SecretVolumes } from './secret-volumes';
import { type PodFacts } from './pod-plan';

/** What all Pods of a node share. */
export interface NodeContext {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly network: PodNetwork;
  readonly secrets: SecretVolumes;
  readonly logger: Logger;
  /** folder of the Pods' records */
  readonly runDir: string;
  readonly logDir: string;
  /** name of the cgroup that holds the Pods' */
  readonly cgroup: string;
  readonly facts: Omit<PodFacts, 'podIp'>;
  /** what image fast-sandbox/node-agent stands for */
  readonly agentEntry: string;
  /** aborts when the node ends; Pods run on */
  readonly closing: AbortSignal;
}
