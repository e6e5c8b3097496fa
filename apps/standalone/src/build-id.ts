import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from './layout';

/** Built code of the services and the agents. */
const BUILT = ['dist/apps', 'dist/libs', 'bin/fsb-launcher', 'bin/fsb-logger'];
const CHARS = 16;

/**
 * Digest of the built code: 16 hexadecimal digits, independent of folder and time of the build.
 * @param root folder of package.json
 * @throws Error when nothing is built
 */
export function buildId(root = PACKAGE_ROOT): string {
  const hash = createHash('sha256');
  for (const file of BUILT.flatMap((path) => filesBelow(root, path))) {
    hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex').slice(0, CHARS);
}

/** Relative paths of the .js files; source maps have no effect and are left out. */
function filesBelow(root: string, path: string): string[] {
  if (!path.startsWith('dist')) return [path];
  const all = readdirSync(join(root, path), { recursive: true, encoding: 'utf8' });
  return all
    .filter((file) => file.endsWith('.js'))
    .sort()
    .map((file) => join(path, file));
}
