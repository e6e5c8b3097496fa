import { type Seat, ShimGroups } from './shim-groups';

describe('ShimGroups', () => {
  const groups = (most = 3): ShimGroups => new ShimGroups('fsb.i.a', most);
  const settledSoon = async (promise: Promise<void>): Promise<boolean> => {
    let settled = false;
    void promise.then(() => (settled = true));
    for (let i = 0; i < 5; i++) await Promise.resolve();
    return settled;
  };
  const add = (to: ShimGroups, id: string): string => {
    const seat = to.join();
    seat.taken(id);
    return seat.group;
  };

  it('fills a group to its bound, then opens another', () => {
    const one = groups();
    const names = ['a', 'b', 'c', 'd'].map((id) => add(one, id));
    expect(new Set(names.slice(0, 3)).size).toBe(1);
    expect(names[3]).not.toBe(names[0]);
    expect(names[0]).toMatch(/^fsb\.i\.a\.[0-9a-f]{12}$/);
  });

  it('join: gives each create of a burst its own group', () => {
    const one = groups();
    add(one, 'a');
    const seats = [one.join(), one.join(), one.join()];
    expect(new Set(seats.map(({ group }) => group)).size).toBe(3);
  });

  it('never exceeds the bound for any mix of creates and deletes', async () => {
    const one = groups(4);
    const seats: Seat[] = [];
    const there: string[] = [];
    for (let i = 0; i < 500; i++) {
      const dice = (i * 7919) % 5;
      if (dice < 3) seats.push(one.join());
      if (dice === 3) {
        const seat = seats.shift();
        if (i % 3 === 0) seat?.release();
        else if (seat) {
          seat.taken(`s${i}`);
          there.push(`s${i}`);
        }
      }
      const gone = dice === 4 ? there.shift() : undefined;
      if (gone !== undefined) {
        void one.prepareLeave(gone);
        one.removeMember(gone);
      }
      expect(Math.max(0, ...one.sizes().values())).toBeLessThanOrEqual(4);
    }
    for (const seat of seats) seat.release();
    for (const id of there) one.removeMember(id);
    await Promise.resolve();
    expect(one.sizes().size).toBe(0);
  });

  it('leaving: the last member waits for a create in flight to its own group only', async () => {
    const one = groups();
    const name = add(one, 'a');
    const coming = one.join();
    expect(coming.group).toBe(name);
    const leaving = one.prepareLeave('a');
    expect(await settledSoon(leaving)).toBe(false);
    coming.taken('b');
    expect(await settledSoon(leaving)).toBe(true);
    one.removeMember('a');
    expect(one.join().group).toBe(name);
    add(one, 'c'); // in another group: b's has a create in flight
    expect(await settledSoon(one.prepareLeave('c'))).toBe(true);
  });

  it('join: avoids a group whose last member is leaving, and one whose only create failed', async () => {
    const one = groups();
    const name = add(one, 'a');
    const failing = one.join();
    const leaving = one.prepareLeave('a');
    failing.release();
    await leaving;
    expect(one.join().group).not.toBe(name);
    expect(one.sizes().get(name)).toBe(1);
    one.removeMember('a');
    expect(one.sizes().has(name)).toBe(false);
  });

  it('join: avoids the group of a dead shim', () => {
    const one = groups();
    const name = add(one, 'a');
    one.close(name);
    expect(one.join().group).not.toBe(name);
  });

  it('know: adopts containers of its own groups, and of no other agent', () => {
    const one = groups();
    one.adopt('a', 'fsb.i.a.111111111111');
    one.adopt('b', 'fsb.i.a.111111111111');
    one.adopt('b', 'fsb.i.a.111111111111');
    one.adopt('c', 'fsb.i.ab.222222222222');
    one.adopt('d', undefined);
    expect([...one.sizes()]).toEqual([['fsb.i.a.111111111111', 2]]);
    expect(one.join().group).toBe('fsb.i.a.111111111111');
  });
});
