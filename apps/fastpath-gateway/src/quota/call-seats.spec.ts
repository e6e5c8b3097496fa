import { LimitError } from '@fsb/quota/limits';
import { CallSeats } from './call-seats';

function most(enter: () => () => void): (() => void)[] {
  const leaves: (() => void)[] = [];
  for (;;) {
    try {
      leaves.push(enter());
    } catch (error) {
      expect(error).toBeInstanceOf(LimitError);
      return leaves;
    }
  }
}

describe('CallSeats', () => {
  it('bounds the calls of a user without affecting others', () => {
    const seats = new CallSeats({ callsPerUser: 3, logStreams: 8 });
    const [leave = () => undefined, ...others] = most(() => seats.call('greedy'));
    expect(others).toHaveLength(2);
    expect(most(() => seats.call('modest'))).toHaveLength(3);
    leave();
    expect(most(() => seats.call('greedy'))).toHaveLength(1);
    expect(() => seats.call('greedy')).toThrow('user "greedy" has 3 calls under way');
  });

  it('leaves log streams free for later namespaces', () => {
    const seats = new CallSeats({ callsPerUser: 3, logStreams: 64 });
    const greedy = most(() => seats.logStream('greedy'));
    expect(greedy).toHaveLength(32);
    expect(most(() => seats.logStream('next'))).toHaveLength(16);
    expect(most(() => seats.logStream('third'))).toHaveLength(8);
    for (const leave of greedy) leave();
    expect(most(() => seats.logStream('third'))).toHaveLength(16); // 24 of 48 in all
  });
});
