import { machineOrphans, type MachineWorld } from './machine-plan';

const WORLD: MachineWorld = {
  ...{ pods: new Set(['p']), podNamespaces: new Set(['fsb-i-p']), namespaces: ['fsb-i-p'] },
  ...{ cgroups: [{ path: '/c/p', uid: 'p' }], addresses: [{ path: '/a/1', uid: 'p' }] },
  fifoStocks: [{ path: '/f/p', uid: 'p', mtimeMs: 1 }],
  ...{ podLogs: [{ path: '/l/p', uid: 'p', mtimeMs: 1 }], links: [{ name: 'veth1', peerIsNamed: true }] },
};

describe('machineLeftovers', () => {
  it.each<[string, Partial<MachineWorld>, string[]]>([
    ['nothing, when all belongs to a Pod', {}, []],
    ['a network namespace without a Pod', { namespaces: ['fsb-i-p', 'fsb-i-q'] }, ['network-namespace fsb-i-q']],
    ['a cgroup without a Pod', { cgroups: [{ path: '/c/q', uid: 'q' }] }, ['cgroup /c/q']],
    ['an address without a Pod', { addresses: [{ path: '/a/2', uid: 'q' }] }, ['address /a/2']],
    ['no address whose file is empty', { addresses: [{ path: '/a/2', uid: '' }] }, []],
    ['logs without a Pod', { podLogs: [{ path: '/l/q', uid: 'q', mtimeMs: 1 }] }, ['pod-log /l/q']],
    ['FIFOs without a Pod', { fifoStocks: [{ path: '/f/q', uid: 'q', mtimeMs: 1 }] }, ['fifo-stock /f/q']],
    [
      'a link whose peer is in an unnamed namespace',
      { links: [{ name: 'veth2', peerIsNamed: false }] },
      ['link veth2'],
    ],
  ])('finds %s', (_case, world, found) => {
    expect(machineOrphans({ ...WORLD, ...world }).map(({ kind, name }) => `${kind} ${name}`)).toEqual(found);
  });
});
