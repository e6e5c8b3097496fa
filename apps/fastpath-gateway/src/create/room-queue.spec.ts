import { setMaxListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { messageOf } from '@fsb/api/errors';
import { Registry } from '@fsb/registry/registry';
import { RoomQueue, type RoomWish } from './room-queue';

const LONG = 60_000;
const never = new AbortController().signal;
setMaxListeners(0, never);

/** A queue in front of a real registry with one agent for each pool; the test takes and releases slots. */
class Scene {
  readonly registry = new Registry();
  isRoomComing = true;
  readonly queue = new RoomQueue({
    registry: this.registry,
    isRoomComing: () => this.isRoomComing,
    limits: { waitingPerNamespace: 3, waiting: 8 },
  });
  readonly served: string[] = [];

  constructor(...namespaces: string[]) {
    for (const namespace of namespaces) {
      this.registry.upsertAgent({
        ...{ id: `${namespace}/agent`, namespace, pool: 'p', capacity: 1, images: [], schedulable: true },
      });
      this.take(namespace, 'first', [80]);
    }
  }

  take(namespace: string, name: string, ports: number[] = []): void {
    this.registry.reserve(`${namespace}/agent`, { sandboxId: `${namespace}-${name}`, namespace, name, ports });
  }

  give(namespace: string, name: string): void {
    this.registry.release(`${namespace}/agent`, `${namespace}-${name}`);
    this.queue.wake();
  }

  wish(namespace: string, ports: number[] = []): RoomWish {
    return { namespace, pool: 'p', image: 'i', ports, ticket: this.queue.ticket() };
  }

  /** Waits under a name, then takes the slot. */
  wait(namespace: string, name: string, wish = this.wish(namespace), signal = never, ms = LONG): Promise<void> {
    return this.queue.wait(wish, signal, Date.now() + ms).then(() => {
      this.served.push(`${namespace}/${name}`);
      this.take(namespace, name, [...wish.ports]);
    });
  }
}

async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await turn();
}

it('RoomQueue: serves creates in order, one for each slot', async () => {
  const scene = new Scene('a');
  for (const name of ['one', 'two', 'three']) void scene.wait('a', name);
  await turns();
  expect(scene.served).toEqual([]);
  scene.give('a', 'first');
  await turns();
  expect(scene.served).toEqual(['a/one']);
  scene.give('a', 'one');
  await turns();
  expect(scene.served).toEqual(['a/one', 'a/two']);
  expect(scene.queue.size).toBe(1);
});

it('RoomQueue: keeps the position of a create that waits again', async () => {
  const scene = new Scene('a');
  const [early, late] = [scene.wish('a'), scene.wish('a')];
  void scene.wait('a', 'late', late);
  void scene.wait('a', 'early', early);
  scene.give('a', 'first');
  await turns();
  expect(scene.served).toEqual(['a/early']);
});

it('RoomQueue: lets a create with other ports pass the first', async () => {
  const scene = new Scene('a');
  const info = { namespace: 'a', pool: 'p', images: [], schedulable: true };
  scene.registry.upsertAgent({ ...info, id: 'a/agent', capacity: 2 });
  scene.take('a', 'second');
  void scene.wait('a', 'same port', scene.wish('a', [80]));
  void scene.wait('a', 'other port', scene.wish('a', [81]));
  scene.give('a', 'second');
  await turns();
  expect(scene.served).toEqual(['a/other port']);
});

it('RoomQueue: leaves places for other namespaces, however many creates of one wait', async () => {
  const scene = new Scene('a', 'b', 'c');
  const refused: string[] = [];
  for (let i = 0; i < 5; i++)
    for (const namespace of ['a', 'b', 'c']) {
      void scene.wait(namespace, String(i)).catch((error: unknown) => refused.push(`${namespace} ${messageOf(error)}`));
    }
  await turns();
  expect(refused.filter((text) => text.startsWith('a'))).toHaveLength(3);
  expect(scene.queue.size).toBeLessThan(8);
  expect(refused[0]).toContain('wait_seconds');
  for (const namespace of ['a', 'b', 'c']) scene.give(namespace, 'first');
  await turns();
  expect([...scene.served].sort()).toEqual(['a/0', 'b/0', 'c/0']);
});

it('RoomQueue: frees the place of a create whose caller leaves or whose time is up', async () => {
  const scene = new Scene('a');
  const leaving = new AbortController();
  const left = scene.wait('a', 'left', scene.wish('a'), leaving.signal);
  const late = scene.wait('a', 'late', scene.wish('a'), never, 20);
  leaving.abort();
  await Promise.all([left, late]);
  expect(scene.queue.size).toBe(0);
});

it('RoomQueue: releases all creates when no room is coming', async () => {
  const scene = new Scene('a');
  const waits = ['one', 'two'].map((name) => scene.wait('a', name));
  await turns();
  scene.isRoomComing = false;
  scene.queue.wake();
  await Promise.all(waits);
  expect(scene.queue.size).toBe(0);
});
