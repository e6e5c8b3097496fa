import { readdirSync } from 'node:fs';
import { identify, type ProcessIdentity } from '../../apps/standalone/src/process-identity';
import { readText } from '../../apps/standalone/src/state-file';

export interface Shim {
  /** id of the first container that it served, which may be gone */
  readonly id: string;
  readonly process: ProcessIdentity;
}

/** Shims of one containerd, found by its socket on their command lines. */
export function shimsOf(containerdSocket: string): Shim[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const [file = '', ...args] = (readText(`/proc/${pid}/cmdline`) ?? '').split('\0');
      if (!file.includes('containerd-shim') || !args.includes(containerdSocket)) return [];
      const process = identify(Number(pid));
      return process ? [{ id: args[args.indexOf('-id') + 1] ?? '', process }] : [];
    });
}
