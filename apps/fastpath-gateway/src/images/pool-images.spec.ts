import { countImages } from './pool-images';

describe('counted', () => {
  it('counts the agents of each pool that have an image, and those with a standby container of it', () => {
    const agents = [
      { pool: 'b', images: ['alpine', 'busybox'], warm: ['busybox'] },
      { pool: 'a', images: ['busybox'], warm: [] },
      { pool: 'b', images: ['busybox', 'busybox'], warm: [] },
    ];
    expect(countImages(agents)).toEqual([
      { poolRef: 'a', name: 'busybox', agents: 1, warmAgents: 0, totalAgents: 1 },
      { poolRef: 'b', name: 'alpine', agents: 1, warmAgents: 0, totalAgents: 2 },
      { poolRef: 'b', name: 'busybox', agents: 2, warmAgents: 1, totalAgents: 2 },
    ]);
  });
});
