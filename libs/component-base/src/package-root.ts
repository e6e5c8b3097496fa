import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The folder of package.json. A built file lies deeper than its source, so no relative path leads to proto/ from both.
 * @throws Error if no folder above `from` has one
 */
export function packageRoot(from: string = __dirname): string {
  if (existsSync(join(from, 'package.json'))) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error('no package.json above the program');
  return packageRoot(parent);
}
