import { setTimeout as sleep } from 'node:timers/promises';
import { type CreateRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { eventually } from './eventually';
import { type Acknowledged, type PatientCaller } from './patient-caller';

const WORKERS = 2;
const PAUSE_MS = 200;
/** Time until another gateway shows a create: it may be a second behind, on two busy cores. */
const SEEN_MS = 5_000;

/** Two workers that create, read and delete one sandbox after the other, until end(). */
export class SteadyLoad {
  readonly acknowledged: Acknowledged[] = [];
  private readonly failures: unknown[] = [];
  private readonly stopping = new AbortController();
  private readonly workers: Promise<unknown>;

  constructor(
    private readonly caller: PatientCaller,
    private readonly request: Partial<CreateRequest>,
  ) {
    this.workers = Promise.all(Array.from({ length: WORKERS }, (_, worker) => this.createAndDelete(worker)));
  }

  /** @returns the failures since the last call */
  takeFailures(): unknown[] {
    return this.failures.splice(0);
  }

  /** Waits for one more create per worker: a gateway answers again. */
  async goesOn(withinMs: number): Promise<void> {
    const before = this.acknowledged.length;
    await eventually(() => this.acknowledged.length >= before + WORKERS, withinMs, 100);
  }

  async end(): Promise<void> {
    this.stopping.abort();
    await this.workers;
  }

  private async createAndDelete(worker: number): Promise<void> {
    for (let n = 0; !this.stopping.signal.aborted; n++) {
      try {
        const sandbox = await this.caller.create(`load-${worker}-${n}`, this.request);
        this.acknowledged.push(sandbox);
        const now = await eventually(() => this.caller.get(sandbox.name), SEEN_MS, 50);
        if (now.sandboxId !== sandbox.id) this.failures.push(`${sandbox.name} became ${now.sandboxId}`);
        await this.caller.delete(sandbox.name);
      } catch (error) {
        this.failures.push(error);
      }
      await sleep(PAUSE_MS);
    }
  }
}
