import { ClassicLevel } from 'classic-level';
import { type KubeObject } from '../kube-object';

/** Below every object's key, since keys begin with a letter. */
const REVISION_KEY = '!revision';

export type Changes = ReadonlyMap<string, KubeObject | undefined>;

/** The objects on disk, in LevelDB: a commit is one synced batch, so it is there as a whole after a crash, or not at all. */
export class Storage {
  private constructor(private readonly db: ClassicLevel<string, unknown>) {}

  static async open(directory: string): Promise<Storage> {
    const db = new ClassicLevel<string, unknown>(directory, { valueEncoding: 'json' });
    await db.open();
    return new Storage(db);
  }

  async load(): Promise<{ objects: Map<string, KubeObject>; revision: number }> {
    const objects = new Map<string, KubeObject>();
    let revision = 1;
    for await (const [key, value] of this.db.iterator()) {
      if (key === REVISION_KEY) revision = Number(value);
      else objects.set(key, value as KubeObject); // only `commit` writes here
    }
    return { objects, revision };
  }

  async commit(changes: Changes, revision: number): Promise<void> {
    const batch = this.db.batch().put(REVISION_KEY, revision);
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
