import { type Settings } from './settings';

/** Settings whose change would separate running processes from their containers or objects. */
const FIXED: ReadonlySet<keyof Settings> = new Set(['containerd', 'kubeconfig']);

export interface SettingsChange {
  /** texts such as `--replicas 1 to 2` */
  readonly changes: readonly string[];
  /** why a changed setting cannot change while the stack runs; undefined: all can */
  readonly refusal: string | undefined;
}

/** The differences between two settings, and whether a running stack can take them. Pure. */
export function settingsChange(before: Settings, now: Settings): SettingsChange {
  const keys = Object.keys({ ...before, ...now }) as (keyof Settings)[];
  const changed = keys.filter((key) => before[key] !== now[key]);
  const fixed = changed.filter((key) => FIXED.has(key)).map(flagOf);
  return {
    changes: changed.map((key) => `${flagOf(key)} ${text(before[key])} to ${text(now[key])}`),
    refusal: fixed.length === 0 ? undefined : `${fixed.join(', ')}: cannot change while the stack runs; run down first`,
  };
}

/** @example flagOf('grpcAddress'); // '--grpc-address' */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function text(value: string | number | boolean | undefined): string {
  return value === undefined || value === '' ? 'nothing' : String(value);
}
