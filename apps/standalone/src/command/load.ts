import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { messageOf } from '@fsb/api/errors';
import { type Layout } from '../layout';
import { readChoice } from '../supervisor/choice';
import { Progress } from './progress';

const IMPORT_MS = 600_000;
const CRI_NAMESPACE = 'k8s.io';

/**
 * Imports an archive of `docker save` or an OCI layout into the stack's containerd. Pools have its images at once.
 * @returns the exit code
 */
export async function load(layout: Layout, archive: string): Promise<number> {
  const progress = new Progress();
  const socket = readChoice(layout)?.containerd.socket;
  if (socket === undefined) {
    progress.line('no stack was started yet: run `standalone up` first');
    return 1;
  }
  if (!existsSync(archive)) {
    progress.line(`there is no file ${archive}: name an archive of docker save, or an OCI layout`);
    return 1;
  }
  const args = ['-a', socket, '-n', CRI_NAMESPACE, 'images', 'import', archive];
  try {
    const { stdout } = await promisify(execFile)('ctr', args, { timeout: IMPORT_MS });
    const names = importedNames(stdout);
    for (const name of names) progress.line(`loaded ${name}`);
    if (names.length > 0) return 0;
    progress.line(`${archive} names no image: save it with a name, as in docker save NAME:TAG`);
  } catch (error) {
    progress.line(messageOf(error));
  }
  return 1;
}

/** Names in the output of `ctr images import`, one line each: `unpacking NAME (sha256:…)...done`. Pure. */
export function importedNames(printed: string): string[] {
  return [...printed.matchAll(/^unpacking (\S+) \(sha256:/gm)].map(([, name = '']) => name);
}
