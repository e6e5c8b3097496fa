import { StatusError } from '../status-error';
import { InFlight } from './in-flight';

const entered = (seats: InFlight, user: string): (() => void)[] => {
  const leaves: (() => void)[] = [];
  for (;;) {
    try {
      leaves.push(seats.enter(user));
    } catch (error) {
      expect(error).toMatchObject({ code: 429, reason: 'TooManyRequests', details: { retryAfterSeconds: 1 } });
      expect(error).toBeInstanceOf(StatusError);
      return leaves;
    }
  }
};

describe('InFlight', () => {
  it('gives a user half of the seats that are free', () => {
    const seats = new InFlight('requests', 64);
    expect(entered(seats, 'greedy')).toHaveLength(32);
    expect(entered(seats, 'next')).toHaveLength(16);
    expect(entered(seats, 'third')).toHaveLength(8);
  });

  it('takes a seat back once, however often it is given back', () => {
    const seats = new InFlight('requests', 4);
    const [leave = () => undefined] = entered(seats, 'one');
    leave();
    leave();
    expect(entered(seats, 'one')).toHaveLength(1);
    expect(entered(seats, 'other')).toHaveLength(1);
  });
});
