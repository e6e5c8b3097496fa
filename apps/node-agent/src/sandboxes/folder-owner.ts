import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runFolders } from '@fsb/node/node-folders';

/** Root alone: root of a sandbox owns the files below, and may make any of them a setuid program. */
const PRIVATE = 0o700;

/**
 * Makes the agent's folder private, also where somebody else has made it (a kubelet's hostPath is 0755), and signs it: files
 * carry no labels, and the janitor removes only where its own installation alone has signed.
 */
export function signFolders(runDir: string, installation: string): void {
  const owners = runFolders.owners(runDir);
  for (const folder of [runDir, runFolders.sandboxes(runDir), owners]) {
    mkdirSync(folder, { recursive: true, mode: PRIVATE });
    chmodSync(folder, PRIVATE);
  }
  writeFileSync(join(owners, installation), '');
}
