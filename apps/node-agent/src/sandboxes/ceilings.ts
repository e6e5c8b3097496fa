import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { type AgentConfig } from '../agent.config';

/** The largest values that a caller may choose for one sandbox. Independent of the limits of the agent's Pod. */
export interface Ceilings {
  readonly pids: number;
  /** bytes */
  readonly memoryBytes: number;
  /** bytes */
  readonly storageBytes: number;
}

/** The injection token of {@link Ceilings}. */
export const CEILINGS = Symbol('Ceilings');
const MAX_PIDS = 4096;

/** The ceilings that the operator has set. Without a flag, pids and memory are limited by the node. */
export function ceilingsOf(
  config: Pick<AgentConfig, 'agentCapacity' | 'maxEphemeralStorage' | 'maxMemory' | 'maxPids'>,
): Ceilings {
  return {
    pids: config.maxPids ?? Math.max(1, Math.min(MAX_PIDS, Math.floor(pidsOfNode() / config.agentCapacity))),
    memoryBytes: config.maxMemory ?? totalmem(),
    storageBytes: config.maxEphemeralStorage,
  };
}

function pidsOfNode(): number {
  return Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8'));
}
