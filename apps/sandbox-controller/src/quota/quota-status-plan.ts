import { inPowersOf1024, parseQuantity } from '@fsb/api/quantity';
import { type ResourceQuota } from '@fsb/controller-runtime/kinds';
import { HARD } from '@fsb/quota/limits';
import { type Usage } from '@fsb/quota/usage';

type Quantities = Record<string, string>;

/** Merge patch of a quota's status: null removes a name. */
export interface QuotaStatusPatch {
  readonly hard: Readonly<Record<string, string | null>>;
  readonly used: Readonly<Record<string, string | null>>;
}

/**
 * The change that a quota's status needs for the limits on sandboxes. Pure.
 * @param countsObjects false: the cluster's quota controller counts objects, and its admission relies on that number
 * @returns undefined if the status is up to date, or the quota has scopes
 */
export function quotaStatusPatch(
  { spec, status }: ResourceQuota,
  usage: Usage,
  countsObjects: boolean,
): QuotaStatusPatch | undefined {
  if (spec?.scopes?.length || spec?.scopeSelector) return undefined; // scopes select Pods
  const used = usedOf(usage);
  const names = Object.values(HARD).filter((name) => countsObjects || name !== HARD.sandboxes);
  const limited = names.filter((name) => spec?.hard?.[name] !== undefined);
  const wantedHard = Object.fromEntries(limited.map((name) => [name, String(spec?.hard?.[name])]));
  const wantedUsed = Object.fromEntries(limited.map((name) => [name, used[name] ?? '0']));
  const patch = {
    hard: changes(names, wantedHard, status?.hard ?? {}),
    used: changes(names, wantedUsed, status?.used ?? {}),
  };
  return Object.keys(patch.hard).length + Object.keys(patch.used).length > 0 ? patch : undefined;
}

/** Whole numbers: kube-apiserver accepts no others for these names. A rate has nothing in use. */
function usedOf({ sandboxes, milliCpu, memory, pids, storage }: Usage): Quantities {
  return {
    [HARD.sandboxes]: String(sandboxes),
    [HARD.cpu]: String(Math.ceil(milliCpu / 1000)),
    [HARD.memory]: inPowersOf1024(memory),
    [HARD.pids]: String(pids),
    [HARD.storage]: inPowersOf1024(storage),
  };
}

function changes(
  names: readonly string[],
  wanted: Quantities,
  current: Readonly<Record<string, string | number>>,
): Record<string, string | null> {
  const changed: Record<string, string | null> = {};
  for (const name of names) {
    const [now, before] = [wanted[name], current[name]];
    if (now === undefined ? before !== undefined : before === undefined || !isSame(now, String(before))) {
      changed[name] = now ?? null;
    }
  }
  return changed;
}

/** Compares quantities by value: the API server normalises their form. */
function isSame(a: string, b: string): boolean {
  if (a === b) return true;
  try {
    return parseQuantity(a, 'used') === parseQuantity(b, 'used');
  } catch {
    return false;
  }
}
