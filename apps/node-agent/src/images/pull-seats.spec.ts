import { PullSeats } from './pull-seats';

const never = (): Promise<never> => new Promise(() => undefined);

it('PullSeats: bound pulls per namespace and per agent, and free the seat of a pull that ended', async () => {
  const seats = new PullSeats({ perAgent: 3, perNamespace: 2 });
  const ends: (() => void)[] = [];
  const held = (namespace: string): Promise<void> =>
    seats.during(namespace, 'i', () => new Promise<void>((done) => ends.push(done)));
  const one = held('a');
  void held('a');
  await expect(seats.during('a', 'x/y:1', never)).rejects.toMatchObject({
    code: 'unavailable',
    message: 'image: x/y:1 has to wait: 2 images of namespace "a" are being pulled',
  });
  void held('b');
  await expect(seats.during('c', 'i', never)).rejects.toThrow('image: i has to wait: 3 images are being pulled');
  ends[0]?.();
  await one;
  await expect(seats.during('a', 'i', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await seats.during('c', 'i', () => Promise.resolve('pulled'))).toBe('pulled');
});
