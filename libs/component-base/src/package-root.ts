import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where package.json is: a built file lies deeper than its source, so no relative path leads to proto/ from both. */
export function packageRoot(from: string = __dirname): string {
  if (existsSync(join(from, 'package.json'))) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error('no package.json above the program');
  return packageRoot(parent);
}
