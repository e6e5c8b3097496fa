import { randomUUID } from 'node:crypto';
import { setBounded } from '@fsb/kit/set-bounded';
import { z } from 'zod';
import { type Json, type StoredObject } from '../kube-object';
import { StatusError } from '../status-error';

const KEPT_MS = 300_000;
/** Lists kept; beyond this the oldest is dropped. */
const KEPT_LISTS = 100;

const token = z.object({ id: z.uuid(), start: z.int().min(0) });

interface Kept {
  readonly objects: readonly StoredObject[];
  readonly revision: number;
  readonly expires: number;
}

export interface Page {
  readonly objects: readonly StoredObject[];
  readonly metadata: Json;
}

/** Pages of one consistent list. Objects are immutable, so a kept list costs only its pointers. */
export class Pages {
  private readonly lists = new Map<string, Kept>();

  first(objects: readonly StoredObject[], revision: number, limit: number): Page {
    if (limit === 0 || objects.length <= limit) return { objects, metadata: { resourceVersion: String(revision) } };
    const id = randomUUID();
    setBounded(this.lists, id, { objects, revision, expires: Date.now() + KEPT_MS }, KEPT_LISTS);
    return this.page(id, 0, limit);
  }

  /** @throws StatusError 400, 410 */
  next(text: string, limit: number): Page {
    const parsed = token.safeParse(parsedToken(text));
    if (!parsed.success) throw StatusError.badRequest('continue key is not valid');
    return this.page(parsed.data.id, parsed.data.start, limit);
  }

  private page(id: string, start: number, limit: number): Page {
    const list = this.lists.get(id);
    if (!list || list.expires < Date.now()) {
      this.lists.delete(id);
      throw StatusError.expired('The provided continue parameter is too old: begin a new list without it');
    }
    const end = limit === 0 ? list.objects.length : start + limit;
    const left = list.objects.length - end;
    const more = Buffer.from(JSON.stringify({ id, start: end })).toString('base64url');
    const metadata = {
      resourceVersion: String(list.revision),
      ...(left > 0 && { continue: more, remainingItemCount: left }),
    };
    if (left <= 0) this.lists.delete(id);
    return { objects: list.objects.slice(start, end), metadata };
  }
}

function parsedToken(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
