import { ClassicLevel } from 'classic-level';
import { type StoredObject } from '../kube-object';

/** Sorts before every object's key, which begins with a letter. */
const REVISION_KEY = '!revision';
/** Prefix of a resource's name; the value is the revision of its last change, deletions included. */
const CHANGED_KEY = '!changed/';

export type Changes = ReadonlyMap<string, StoredObject | undefined>;

export interface Loaded {
  readonly objects: Map<string, StoredObject>;
  /** revision of the last change by resource; absent: no change since these are recorded */
  readonly changed: Map<string, number>;
  readonly revision: number;
}

/** Objects in LevelDB. A commit is one synced batch, so after a crash it is there completely or not at all. */
export class Storage {
  private constructor(private readonly db: ClassicLevel<string, unknown>) {}

  static async open(directory: string): Promise<Storage> {
    const db = new ClassicLevel<string, unknown>(directory, { valueEncoding: 'json' });
    await db.open();
    return new Storage(db);
  }

  async load(): Promise<Loaded> {
    const objects = new Map<string, StoredObject>();
    const changed = new Map<string, number>();
    let revision = 1;
    for await (const [key, value] of this.db.iterator()) {
      if (key === REVISION_KEY) revision = Number(value);
      else if (key.startsWith(CHANGED_KEY)) changed.set(key.slice(CHANGED_KEY.length), Number(value));
      else objects.set(key, value as StoredObject); // written by `commit`
    }
    return { objects, changed, revision };
  }

  /** @param changed resources of the changes */
  async commit(changes: Changes, changed: Iterable<string>, revision: number): Promise<void> {
    const batch = this.db.batch().put(REVISION_KEY, revision);
    for (const resource of changed) batch.put(`${CHANGED_KEY}${resource}`, revision);
    for (const [key, value] of changes) {
      if (value) batch.put(key, value);
      else batch.del(key);
    }
    await batch.write({ sync: true });
  }

  close(): Promise<void> {
    return this.db.close();
  }
}
