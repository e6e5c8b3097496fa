/** What has been seen of a sandbox's storage at one time. */
export interface Footprint {
  /** of its layer, its files without a name and its log */
  readonly bytes: number;
  /** The kernel's count of what it has written: {@link SandboxCgroups.written}. */
  readonly written: number;
  /** Whether its files without a name were looked for: its processes are seen. */
  readonly isWhole: boolean;
}

export interface Grower {
  readonly id: string;
  /** bytes */
  readonly grown: number;
}

/** Growth that is not worth an end: a log, a few temporary files. */
const LEAST_GROWTH_BYTES = 1024 * 1024;

/**
 * The sandbox that has grown most between two looks. One whose processes are not seen may hold files that nobody can measure:
 * what the kernel says that it wrote counts for it as well.
 * @param before absent: it was not there yet
 * @returns undefined where none has grown by more than {@link LEAST_GROWTH_BYTES}
 */
export function largestGrower(
  before: ReadonlyMap<string, Footprint>,
  now: ReadonlyMap<string, Footprint>,
): Grower | undefined {
  const growers = [...now].map(([id, footprint]) => ({ id, grown: growth(before.get(id), footprint) }));
  const [largest] = growers.sort((one, other) => other.grown - one.grown);
  return largest && largest.grown > LEAST_GROWTH_BYTES ? largest : undefined;
}

function growth(before: Footprint | undefined, now: Footprint): number {
  const measured = now.bytes - (before?.bytes ?? 0);
  return now.isWhole ? measured : Math.max(measured, now.written - (before?.written ?? 0));
}
