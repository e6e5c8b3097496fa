import { type Orphan } from '../orphan';

/** An orphan that is not a container. */
export interface Leftover extends Orphan {
  /** Unix ms, from its label or mtime; absent: it carries no timestamp */
  readonly sinceMs?: number;
}

export interface LeftoverSource {
  /** Lists an installation's present orphans. @throws Error when something did not answer; nothing is an orphan then */
  find(installation: string): Promise<Leftover[]>;
  /** @throws Error when it could not be removed */
  remove(leftover: Leftover): Promise<void>;
}
