import { waterfall } from './stages';

describe('waterfall', () => {
  it('draws each stage at its offset in the whole', () => {
    const stages = [
      { name: 'choose', ms: 0.1 },
      { name: 'agent', ms: 30 },
      { name: 'answer', ms: 10 },
    ];
    expect(waterfall(JSON.stringify(stages))).toBe(
      [
        'Stages:',
        '  choose   0.1 ms  ▏',
        '  agent   30.0 ms  ████████████████████████',
        '  answer  10.0 ms                          ████████',
        '  total   40.1 ms',
        '',
      ].join('\n'),
    );
  });

  it.each([
    ['claim', 'launch', 'Stages (warm):'],
    ['snapshot', 'task', 'Stages (cold):'],
  ])('titles %s, %s: %s', (first, second, title) => {
    expect(waterfall(JSON.stringify([first, second].map((name) => ({ name, ms: 1 }))))).toMatch(title);
  });

  it.each([undefined, '', '[]', '{}', 'x', '[{"name":"a"}]', '[{"name":"a","ms":-1}]'])('is empty for %j', (json) => {
    expect(waterfall(json)).toBe('');
  });

  it('draws no bars when no stage took time', () => {
    expect(waterfall('[{"name":"a","ms":0}]')).toBe('Stages:\n  a      0.0 ms\n  total  0.0 ms\n');
  });
});
