/** A sandbox's storage as measured at one time. */
export interface Footprint {
  /** of its layer, its unlinked files and its log */
  readonly bytes: number;
  /** bytes written, as the kernel counts them: {@link SandboxCgroups.written} */
  readonly written: number;
  /** whether its unlinked files are included, as its processes are visible */
  readonly isWhole: boolean;
}

export interface Grower {
  readonly id: string;
  /** bytes */
  readonly grown: number;
}

/** Growth up to this is ignored: a log, a few temporary files. */
const LEAST_GROWTH_BYTES = 1024 * 1024;

/**
 * The sandbox that has grown most between two measurements. One whose processes are not visible may hold unlinked files
 * that cannot be measured: the bytes that it wrote, as the kernel counts them, count for it as well. Pure.
 * @param before by sandbox id; absent: a new sandbox
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
