import { parseQuantity } from './quantity';

describe('parseQuantity', () => {
  it.each([
    ['500m', 0.5],
    ['2', 2],
    ['1.5', 1.5],
    ['64Mi', 64 * 1024 * 1024],
    ['1k', 1000],
    ['2e3', 2000],
  ])('%s is %d', (text, value) => {
    expect(parseQuantity(text, 'resources.cpu')).toBeCloseTo(value, 9);
  });

  it.each(['', '-1', '1 Gi', 'Mi', '1KiB', 'NaN'])('refuses %j, naming the field', (text) => {
    expect(() => parseQuantity(text, 'resources.memory')).toThrow(/^resources\.memory: /);
  });
});
