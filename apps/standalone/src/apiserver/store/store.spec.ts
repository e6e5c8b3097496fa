import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { type StoredObject } from '../kube-object';
import { Storage } from './storage';
import { Store } from './store';

const RESOURCES = ['pods', 'nodes', 'sandboxes.sandbox.fast.io'];
const object = (name: string): StoredObject => ({ apiVersion: 'v1', kind: 'Any', metadata: { name } });
const step = fc.record({
  resource: fc.constantFrom(...RESOURCES),
  name: fc.constantFrom('a', 'b', 'c'),
  remove: fc.boolean(),
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fsb-store-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = async (path: string): Promise<Store> => Store.open(await Storage.open(path));
const resumes = (store: Store, resource: string, since: number): boolean => {
  try {
    store.watch(resource, since, () => undefined)();
    return true;
  } catch {
    return false;
  }
};

it('Store: after a restart resumes a watch that has missed nothing, and no other', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 8 }), async (groups) => {
      const path = join(folder, String(run++));
      const last = new Map<string, number>();
      const before = await open(path);
      // writes of a group share one commit
      for (const group of groups) {
        const writing = group.map(({ resource, name, remove }) =>
          before.write((transaction) => {
            const ref = { resource, namespace: '', name };
            const changed = remove ? transaction.remove(ref) : transaction.put(ref, object(name));
            if (changed) last.set(resource, Number(changed.metadata.resourceVersion));
          }),
        );
        await Promise.all(writing);
      }
      const { revision } = before;
      await before.close();
      const after = await open(path);
      for (const resource of RESOURCES) {
        const missed = last.get(resource) ?? 0;
        for (let since = 1; since <= revision; since++) {
          // changes of one commit share its revision, so exactness holds only below the last change
          if (since < missed) expect([since, resumes(after, resource, since)]).toEqual([since, false]);
        }
        expect(resumes(after, resource, revision)).toBe(true);
        expect(resumes(after, resource, revision + 1)).toBe(false);
      }
      await after.close();
    }),
    { numRuns: 60 },
  );
});

it('Store: resumes no watch in a database without recorded last changes', async () => {
  const storage = await Storage.open(folder);
  await storage.commit(new Map([['pods//a', object('a')]]), [], 7);
  await storage.close();
  const store = await open(folder);
  expect([6, 7].map((since) => resumes(store, 'pods', since))).toEqual([false, true]);
  await store.close();
  const again = await open(folder);
  expect([6, 7].map((since) => resumes(again, 'nodes', since))).toEqual([false, true]);
  await again.close();
});
