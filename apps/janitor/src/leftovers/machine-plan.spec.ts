import { machineLeftovers, type MachineWorld } from './machine-plan';

const WORLD: MachineWorld = {
  ...{ pods: new Set(['p']), podNamespaces: new Set(['fsb-i-p']), namespaces: ['fsb-i-p'] },
  ...{ cgroups: [{ path: '/c/p', uid: 'p' }], addresses: [{ path: '/a/1', uid: 'p' }] },
  fifoStocks: [{ path: '/f/p', uid: 'p', mtimeMs: 1 }],
  ...{ podLogs: [{ path: '/l/p', uid: 'p', mtimeMs: 1 }], links: [{ name: 'veth1', peerIsNamed: true }] },
};

describe('machineLeftovers', () => {
  it.each<[string, Partial<MachineWorld>, string[]]>([
    ['all belongs to a Pod', {}, []],
    ['a namespace without one', { namespaces: ['fsb-i-p', 'fsb-i-q'] }, ['network-namespace fsb-i-q']],
    ['a cgroup without one', { cgroups: [{ path: '/c/q', uid: 'q' }] }, ['cgroup /c/q']],
    ['an address without one', { addresses: [{ path: '/a/2', uid: 'q' }] }, ['address /a/2']],
    ['an address that says nothing', { addresses: [{ path: '/a/2', uid: '' }] }, []],
    ['logs without one', { podLogs: [{ path: '/l/q', uid: 'q', mtimeMs: 1 }] }, ['pod-log /l/q']],
    ['FIFOs without one', { fifoStocks: [{ path: '/f/q', uid: 'q', mtimeMs: 1 }] }, ['fifo-stock /f/q']],
    ['a link into a namespace without a name', { links: [{ name: 'veth2', peerIsNamed: false }] }, ['link veth2']],
  ])('%s', (_case, world, found) => {
    expect(machineLeftovers({ ...WORLD, ...world }).map(({ kind, name }) => `${kind} ${name}`)).toEqual(found);
  });
});
