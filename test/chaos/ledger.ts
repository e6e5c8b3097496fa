export type Mode = 'fast' | 'strong';
/** Behaviour of the sandbox's process: sleeps; sleeps and ignores SIGTERM; exits with 0; exits with 7. */
export type Behaviour = 'sleeper' | 'stubborn' | 'succeeds' | 'fails';

/** `refused`: the answer proves that nothing was done. `unknown`: no answer, or one that leaves it open. */
export type Outcome = 'acknowledged' | 'refused' | 'unknown';

export interface Change {
  readonly gateway: number;
  readonly at: number;
  readonly outcome: Outcome;
  readonly code: string;
  readonly message: string;
}

export interface CreateAttempt extends Change {
  readonly sandboxId: string;
  readonly agentPod: string;
}

/** One requested sandbox and all requests about it. Times in Unix ms. */
export interface Entry {
  readonly name: string;
  readonly mode: Mode;
  readonly behaviour: Behaviour;
  readonly requestId: string;
  readonly creates: CreateAttempt[];
  readonly resets: Change[];
  /** `expiresAt` in Unix ms */
  readonly expiries: (Change & { readonly expiresAt: number })[];
  readonly deletes: Change[];
  /** The name was used before, and an effect of that time could still be pending when this entry began. */
  readonly heir: boolean;
}

export interface Counts {
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
}

/** All requests and answers: besides the machine itself, the only source of the comparison. */
export class Ledger {
  private readonly entries = new Map<string, Entry>();
  private readonly past: Entry[] = [];
  /** ids of containers and their sandboxes whose shim was killed */
  readonly shimDeaths = new Set<string>();
  /** Unix ms of the deletion of agent Pods, by Pod name */
  readonly podDeaths = new Map<string, number>();

  add(entry: Entry): void {
    const before = this.entries.get(entry.name);
    if (before) this.past.push(before);
    this.entries.set(entry.name, entry);
  }

  /** The latest entry of each name. */
  current(): Entry[] {
    return [...this.entries.values()];
  }

  get(name: string): Entry | undefined {
    return this.entries.get(name);
  }

  all(): Entry[] {
    return [...this.past, ...this.entries.values()];
  }

  count(of: (entry: Entry) => readonly { outcome: Outcome }[]): Counts {
    const outcomes = this.all().flatMap((entry) => of(entry).map(({ outcome }) => outcome));
    const number = (wanted: Outcome): number => outcomes.filter((outcome) => outcome === wanted).length;
    return { acknowledged: number('acknowledged'), refused: number('refused'), unknown: number('unknown') };
  }
}

export function isAcknowledged({ outcome }: { outcome: Outcome }): boolean {
  return outcome === 'acknowledged';
}
