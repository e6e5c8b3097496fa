import { accessSync, constants, rmSync } from 'node:fs';
import { Logger } from '@nestjs/common';
import { type AgentConfig } from '../agent.config';
import { placeProgram } from '../launch/placed-program';

/**
 * Copies the log writer (logger.c) to a folder where containerd's shims can execute it: some nodes mount /run noexec.
 * @returns its path; undefined where no folder allows it: the shims then write logs that do not tell stderr apart
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
  new Logger('LogWriter').warn(`logs do not tell stderr from stdout: ${where}`);
  return undefined;
}

/** False also where the file system is mounted noexec. */
function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
