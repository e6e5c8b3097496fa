import { type Orphan } from '../orphan';

/** Something that nobody owns any more, and how it goes. */
export interface Leftover extends Orphan {
  /** by its own account; absent: it carries no time */
  readonly sinceMs?: number;
}

export interface LeftoverSource {
  /** What looks left over now. @throws where something did not answer: then nothing of it is */
  find(installation: string): Promise<Leftover[]>;
  /** @throws where it is still there */
  remove(leftover: Leftover): Promise<void>;
}
