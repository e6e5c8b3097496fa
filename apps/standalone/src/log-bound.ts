import { copyFileSync, statSync, truncateSync } from 'node:fs';

const LIMIT_BYTES = 10 * 1024 * 1024;

/**
 * Copies a log above the limit to `<path>.1` and empties it. Its writer appends, so it goes on at the new end, and need not
 * be told: also not one that another supervisor started.
 */
export function boundLog(path: string, limitBytes = LIMIT_BYTES): void {
  try {
    if (statSync(path).size <= limitBytes) return;
    copyFileSync(path, `${path}.1`);
    truncateSync(path);
  } catch {
    // not written yet, gone meanwhile, or no space left for the copy: the next round sees it again
  }
}
