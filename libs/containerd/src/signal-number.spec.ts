import { signalNumber } from './signal-number';

it.each([
  ['SIGQUIT', 3],
  ['quit', 3],
  ['3', 3],
  ['SIGINT', 2],
  ['SIGRTMIN', 34],
  ['SIGRTMIN+3', 37],
  ['RTMAX-2', 62],
  ['64', 64],
  ['', undefined],
  ['65', undefined],
  ['0', undefined],
  ['SIGNOTHING', undefined],
  ['SIGRTMIN+31', undefined],
  ['SIGRTMAX+1', undefined],
])('signalNumber: %s is %s', (text, number) => {
  expect(signalNumber(text)).toBe(number);
});
