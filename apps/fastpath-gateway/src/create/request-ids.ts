import { type Sandbox } from '@fsb/api/sandbox';
import { REQUEST_ID_ANNOTATION } from '@fsb/api/labels';
import { type Informer } from '@fsb/controller-runtime/informer';
import { type Created } from './create-mode';

const MAX_ANSWERS = 10_000;
const TTL_MS = 10 * 60_000;

interface Entry {
  readonly answer: Promise<Created>;
  readonly until: number;
}

/** Idempotency: the same request_id in the same namespace gives the same answer, here from memory, elsewhere from the object. */
export class RequestIds {
  private readonly answers = new Map<string, Entry>();
  private readonly objects = new Map<string, string>();

  constructor(private readonly sandboxes: Informer<Sandbox>) {
    sandboxes.onChange((key, current, previous) => {
      const before = previous && idOf(previous);
      if (before !== undefined) this.objects.delete(before);
      const now = current && idOf(current);
      if (now !== undefined) this.objects.set(now, key);
    });
  }

  /** Runs `create` unless this id was answered; a failure is not kept. */
  once(namespace: string, requestId: string, create: () => Promise<Created>): Promise<Created> {
    const id = `${namespace}/${requestId}`;
    const known = this.answers.get(id);
    if (known && known.until > Date.now()) return known.answer;
    const answer = create();
    this.answers.delete(id);
    this.answers.set(id, { answer, until: Date.now() + TTL_MS });
    answer.catch(() => this.answers.delete(id));
    const [oldest] = this.answers.keys();
    if (this.answers.size > MAX_ANSWERS && oldest !== undefined) this.answers.delete(oldest);
    return answer;
  }

  /** The object that an earlier request of this id led to. */
  object(namespace: string, requestId: string): Sandbox | undefined {
    const key = this.objects.get(`${namespace}/${requestId}`);
    return key === undefined ? undefined : this.sandboxes.get(key);
  }
}

function idOf({ metadata }: Sandbox): string | undefined {
  const requestId = metadata.annotations?.[REQUEST_ID_ANNOTATION];
  return requestId === undefined ? undefined : `${metadata.namespace ?? ''}/${requestId}`;
}
