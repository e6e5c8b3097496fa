import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OWNERS_FOLDER } from '@fsb/api/machine-names';

/** Signs the folders: files carry no labels, and the janitor removes only where its own installation alone has signed. */
export function signFolders(runDir: string, installation: string): void {
  const folder = join(runDir, OWNERS_FOLDER);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, installation), '');
}
