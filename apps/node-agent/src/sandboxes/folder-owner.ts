import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runFolders } from '@fsb/node/node-folders';

/** Root only: root of a sandbox owns the files below, and may make any of them a setuid program. */
const PRIVATE = 0o700;

/**
 * Makes the agent's folder private, also where it exists already (a kubelet's hostPath is 0755), and signs it with the
 * installation. Files carry no labels: the janitor removes them only where its own installation alone has signed.
 */
export function signFolders(runDir: string, installation: string): void {
  const owners = runFolders.owners(runDir);
  for (const folder of [runDir, runFolders.sandboxes(runDir), owners]) {
    mkdirSync(folder, { recursive: true, mode: PRIVATE });
    chmodSync(folder, PRIVATE);
  }
  writeFileSync(join(owners, installation), '');
}
