import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@fsb/api/errors';
import { type Sandbox } from '@fsb/api/sandbox';
import { SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type FindingKind, type Journal } from './findings';
import { LIFE_LABEL, NAMESPACE } from './pool';

const EVERY_MS = 2_000;
/** Time until an object must be gone: the orphan timeout, a delete, and a busy machine. */
const DUE_MS = 25_000;
/** Further time for an object that is already being deleted. */
const ENDING_MS = 35_000;

interface Absence {
  readonly journal: Journal;
  readonly kind: FindingKind;
  readonly dueAt: number;
  readonly mayCross: boolean;
}

/** Objects that must disappear, by their life label. Checked every two seconds while the load goes on. */
export class Absences {
  private readonly absences = new Map<string, Absence>();
  private readonly reported = new Set<string>();

  /** creates whose answer crossed the cancellation by their caller */
  crossed = 0;

  /**
   * @param hadAnswered whether the create of an object was answered before the gateway noticed that its caller had left
   */
  constructor(
    private readonly client: KubeClient,
    private readonly hadAnswered: (name: string) => boolean,
  ) {}

  /**
   * @param life value of {@link LIFE_LABEL}
   * @param mayCross whether an answer that crossed the cancellation excuses the object
   */
  expect(life: string, journal: Journal, kind: FindingKind, mayCross = false): void {
    this.absences.set(life, { journal, kind, dueAt: Date.now() + DUE_MS, mayCross });
  }

  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      // the API server may be slow on a busy machine; the next look finds the same
      await this.look().catch((error: unknown) => messageOf(error));
      await sleep(EVERY_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  }

  /** Waits until everything is due, then checks a last time. */
  async lookAtTheEnd(): Promise<void> {
    const left = [...this.absences.values()].map(({ dueAt }) => dueAt - Date.now());
    await sleep(Math.max(0, ...left));
    await this.look();
  }

  private async look(): Promise<void> {
    const { items } = await this.client.list(SANDBOX_KIND, { namespace: NAMESPACE });
    for (const object of items) {
      const absence = this.absences.get(object.metadata.labels?.[LIFE_LABEL] ?? '');
      const isEnding = object.metadata.deletionTimestamp !== undefined;
      if (absence && Date.now() >= absence.dueAt + (isEnding ? ENDING_MS : 0)) await this.end(object, absence);
    }
  }

  /** Reports an object once and deletes it, so that the accounting at the end finds other differences. */
  private async end({ metadata, status }: Sandbox, { journal, kind, mayCross }: Absence): Promise<void> {
    const { name = '', uid = '', deletionTimestamp } = metadata;
    if (this.reported.has(uid)) return;
    this.reported.add(uid);
    const state = `${status?.phase ?? 'without a phase'}${deletionTimestamp === undefined ? '' : ', being deleted'}`;
    if (mayCross && this.hadAnswered(name)) this.crossed++;
    else
      journal.report(
        kind,
        `no object ${DUE_MS / 1000} s later`,
        `"${name}" is ${state}, its id ${status?.sandboxID ?? 'none'}`,
      );
    await this.client.delete(SANDBOX_KIND, { namespace: NAMESPACE, name });
  }
}
