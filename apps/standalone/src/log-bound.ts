import { copyFileSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

const LIMIT_BYTES = 10 * 1024 * 1024;

/**
 * Copies each log above the limit to `<name>.1` and empties it. Its writers append, so they go on at its new end, and need
 * not be told: also not those that another supervisor started.
 */
export function boundLogs(folder: string, limitBytes = LIMIT_BYTES): void {
  for (const name of readNames(folder)) {
    const path = join(folder, name);
    try {
      if (statSync(path).size <= limitBytes) continue;
      copyFileSync(path, `${path}.1`);
      truncateSync(path);
    } catch {
      // gone meanwhile, or no space left for the copy: the next round sees it again
    }
  }
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.log'));
  } catch {
    return [];
  }
}
