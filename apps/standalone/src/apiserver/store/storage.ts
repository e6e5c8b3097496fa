import { ClassicLevel } from 'classic-level';
import { type KubeObject } from '../kube-object';

/** Below every object's key, since keys begin with a letter. */
const REVISION_KEY = '!revision';
/** Before a resource's name: the revision of its last change, deletions included. */
const CHANGED_KEY = '!changed/';

export type Changes = ReadonlyMap<string, KubeObject | undefined>;

export interface Loaded {
  readonly objects: Map<string, KubeObject>;
  /** by resource; one that is not there has not changed since this was kept */
  readonly changed: Map<string, number>;
  readonly revision: number;
}

/** The objects on disk, in LevelDB: a commit is one synced batch, so it is there as a whole after a crash, or not at all. */
export class Storage {
  private constructor(private readonly db: ClassicLevel<string, unknown>) {}

  static async open(directory: string): Promise<Storage> {
    const db = new ClassicLevel<string, unknown>(directory, { valueEncoding: 'json' });
    await db.open();
    return new Storage(db);
  }

  async load(): Promise<Loaded> {
    const objects = new Map<string, KubeObject>();
    const changed = new Map<string, number>();
    let revision = 1;
    for await (const [key, value] of this.db.iterator()) {
      if (key === REVISION_KEY) revision = Number(value);
      else if (key.startsWith(CHANGED_KEY)) changed.set(key.slice(CHANGED_KEY.length), Number(value));
      else objects.set(key, value as KubeObject); // only `commit` writes here
    }
    return { objects, changed, revision };
  }

  /** @param changed the resources that the changes are of */
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
