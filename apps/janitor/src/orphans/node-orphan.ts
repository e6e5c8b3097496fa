import { type Orphan } from '../orphan';

/** An orphan that is not a container. */
export interface NodeOrphan extends Orphan {
  /** Unix ms, from its label or mtime; absent: it carries no timestamp */
  readonly sinceMs?: number;
}

export interface OrphanSource {
  /** Lists an installation's present orphans. @throws Error when something did not answer; nothing is an orphan then */
  find(installation: string): Promise<NodeOrphan[]>;
  /** @throws Error when it could not be removed */
  remove(leftover: NodeOrphan): Promise<void>;
}
