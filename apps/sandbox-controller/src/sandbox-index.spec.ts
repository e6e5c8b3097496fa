import { assigned, fastSandbox, sandbox } from './testing/scene';
import { SandboxIndex } from './sandbox-index';

describe('SandboxIndex', () => {
  it('follows an object from creation to placement and deletion', () => {
    const index = new SandboxIndex();
    const all = (): string[][] => [[...index.ofPool('team/pool')], [...index.ofAgent('team/agent-1')]];
    const placed = sandbox({ status: assigned('Running') });
    index.change('team/box', sandbox(), undefined);
    expect(all()).toEqual([['team/box'], []]);
    index.change('team/box', placed, sandbox());
    expect(all()).toEqual([['team/box'], ['team/box']]);
    index.change('team/fast', fastSandbox(), undefined);
    expect(all()).toEqual([
      ['team/box', 'team/fast'],
      ['team/box', 'team/fast'],
    ]);
    index.change('team/fast', undefined, fastSandbox());
    index.change('team/box', undefined, placed);
    expect(all()).toEqual([[], []]);
  });
});
