export type Mode = 'fast' | 'strong';
/** What the sandbox's process does: sleeps for ever, sleeps and will not hear SIGTERM, ends well, ends badly. */
export type Behaviour = 'sleeper' | 'stubborn' | 'succeeds' | 'fails';

/** `refused`: the answer said for certain that nothing was done. `unknown`: no answer, or one that leaves it open. */
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

/** One sandbox that was asked for, and everything that was asked of it. Times are Unix ms. */
export interface Entry {
  readonly name: string;
  readonly mode: Mode;
  readonly behaviour: Behaviour;
  readonly requestId: string;
  readonly creates: CreateAttempt[];
  readonly resets: Change[];
  /** `expiresAt` Unix ms */
  readonly expiries: (Change & { readonly expiresAt: number })[];
  readonly deletes: Change[];
  /** The name was used before, and something of that time may still have been on its way when this began. */
  readonly heir: boolean;
}

export interface Counts {
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
}

/** What was asked and answered: the only thing that the accounting believes besides the machine itself. */
export class Ledger {
  private readonly entries = new Map<string, Entry>();
  private readonly past: Entry[] = [];
  /** ids of containers, and of the sandboxes in them, whose shim was killed */
  readonly shimDeaths = new Set<string>();
  /** when an agent Pod was deleted, by its name */
  readonly podDeaths = new Map<string, number>();

  add(entry: Entry): void {
    const before = this.entries.get(entry.name);
    if (before) this.past.push(before);
    this.entries.set(entry.name, entry);
  }

  /** The last of each name. */
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
