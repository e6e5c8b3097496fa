import { type Settings } from './settings';

/** Other values would take containers or objects away from what runs. */
const FIXED: ReadonlySet<keyof Settings> = new Set(['containerd', 'kubeconfig']);

export interface SettingsChange {
  /** `--replicas 1 to 2`, for people */
  readonly changes: readonly string[];
  /** why they cannot be changed while the stack runs */
  readonly refusal: string | undefined;
}

/** What other settings mean for a stack that runs. Pure. */
export function settingsChange(before: Settings, now: Settings): SettingsChange {
  const keys = Object.keys({ ...before, ...now }) as (keyof Settings)[];
  const changed = keys.filter((key) => before[key] !== now[key]);
  const fixed = changed.filter((key) => FIXED.has(key)).map(flagOf);
  return {
    changes: changed.map((key) => `${flagOf(key)} ${text(before[key])} to ${text(now[key])}`),
    refusal: fixed.length === 0 ? undefined : `${fixed.join(', ')}: cannot change while the stack runs; run down first`,
  };
}

export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function text(value: string | number | boolean | undefined): string {
  return value === undefined || value === '' ? 'nothing' : String(value);
}
