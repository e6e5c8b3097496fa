import { join } from 'node:path';
import { runFolders } from '@fsb/node/node-folders';
import { type AgentConfig } from '../agent.config';
import { FifoStock } from './fifo-stock';
import { placeProgram } from './placed-program';

/** The parts that all launch folders of an agent share. */
export interface Launchers {
  /** path of the program, on the file system of the folders */
  readonly launcher: string;
  readonly fifos: FifoStock;
}

/** @throws Error where there is no launcher */
export function launchersOf(config: Pick<AgentConfig, 'launcher' | 'runDir' | 'podUid'>): Launchers {
  const fifos = new FifoStock(join(runFolders.fifos(config.runDir), config.podUid));
  fifos.fill();
  return { launcher: placeProgram({ name: 'launcher', path: config.launcher }, config.runDir), fifos };
}
