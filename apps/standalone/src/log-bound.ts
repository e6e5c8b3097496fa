import { copyFileSync, statSync, truncateSync } from 'node:fs';

const LIMIT_BYTES = 10 * 1024 * 1024;

/**
 * Copies a log above the limit to `<path>.1` and truncates it. Its writer opened it with O_APPEND and continues at the
 * new end without a signal, also when an earlier supervisor started it.
 */
export function rotateLog(path: string, limitBytes = LIMIT_BYTES): void {
  try {
    if (statSync(path).size <= limitBytes) return;
    copyFileSync(path, `${path}.1`);
    truncateSync(path);
  } catch {
    // not written yet, removed meanwhile, or no space for the copy: retried in the next round
  }
}
