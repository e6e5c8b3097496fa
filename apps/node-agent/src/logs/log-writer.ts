import { accessSync, constants, rmSync } from 'node:fs';
import { Logger } from '@nestjs/common';
import { type AgentConfig } from '../agent.config';
import { placeProgram } from '../launch/placed-program';

/**
 * Puts the writer of logs (logger.c) where containerd's shims can execute it: /run is mounted noexec on some nodes.
 * @returns undefined where they can execute it nowhere: then the shims write, and nobody knows which bytes are stderr's
 */
export function placeLogWriter({
  logWriter,
  runDir,
  logDir,
}: Pick<AgentConfig, 'logWriter' | 'runDir' | 'logDir'>): string | undefined {
  for (const folder of [runDir, logDir]) {
    const placed = placeProgram({ name: 'log-writer', path: logWriter }, folder);
    if (isExecutable(placed)) return placed;
    rmSync(placed, { force: true });
  }
  const where = `${runDir} and ${logDir} are on file systems that are mounted noexec`;
  new Logger('LogWriter').warn(`the sandboxes' stderr is not told from their stdout: ${where}`);
  return undefined;
}

/** Also whether its file system may be executed from. */
function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
