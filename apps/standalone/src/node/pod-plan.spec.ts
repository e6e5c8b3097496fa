import { type Pod, type PodContainer } from '@fsb/controller-runtime/kinds';
import {
  containerEnvironment,
  gracePeriodMs,
  memoryLimit,
  probePort,
  runnableContainer,
  waitingReason,
} from './pod-plan';

const FACTS = { podIp: '10.88.0.2', nodeName: 'box', hostIp: '10.88.0.1', machine: { cpus: 2, memoryBytes: 4096 } };

function pod(container: Partial<PodContainer> = {}, spec: Record<string, unknown> = {}): Pod {
  const image = 'fast-sandbox/node-agent:latest';
  return {
    metadata: { name: 'a', namespace: 'ns', uid: 'u', labels: { tier: 'x' } },
    spec: { containers: [{ name: 'agent', image, ...container }], ...spec },
  };
}

const env = (source: Record<string, unknown>, container: Partial<PodContainer> = {}): string | undefined => {
  const value = pod({ env: [{ name: 'V', valueFrom: source }], ...container });
  return containerEnvironment(value, runnableContainer(value), FACTS)['V'];
};
const field = (fieldPath: string): string | undefined => env({ fieldRef: { fieldPath } });

describe('pod-plan', () => {
  it.each([
    ['metadata.name', 'a'],
    ['metadata.namespace', 'ns'],
    ['metadata.uid', 'u'],
    ["metadata.labels['tier']", 'x'],
    ["metadata.annotations['none']", ''],
    ['spec.nodeName', 'box'],
    ['status.podIP', '10.88.0.2'],
    ['status.hostIP', '10.88.0.1'],
  ])('fieldRef %s is %s', (path, expected) => {
    expect(field(path)).toBe(expected);
  });

  it('resourceFieldRef: is the limit, else the size of the machine, in units of the divisor', () => {
    const limits = { resources: { limits: { memory: '64Mi', cpu: '1500m' } } };
    expect(env({ resourceFieldRef: { resource: 'limits.memory' } }, limits)).toBe('67108864');
    expect(env({ resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } }, limits)).toBe('64');
    expect(env({ resourceFieldRef: { resource: 'limits.cpu' } }, limits)).toBe('2');
    expect(env({ resourceFieldRef: { resource: 'limits.memory' } })).toBe('4096');
    expect(memoryLimit(runnableContainer(pod(limits)))).toBe(67108864);
    expect(memoryLimit(runnableContainer(pod()))).toBeUndefined();
  });

  it.each([
    ['a secret', () => env({ secretKeyRef: { name: 's', key: 'k' } }), /env V: .*fieldRef/],
    ['an unknown field', () => field('status.phase'), /env V: fieldRef status\.phase/],
    ['an unknown resource', () => env({ resourceFieldRef: { resource: 'requests.cpu' } }), /requests\.cpu/],
    ['another image', () => runnableContainer(pod({ image: 'nginx' })), /"nginx".*fast-sandbox\/node-agent/],
    ['a command', () => runnableContainer(pod({ command: ['sh'] })), /command/],
    ['no container', () => runnableContainer({ metadata: {}, spec: { containers: [] } }), /no container/],
    ['init containers', () => runnableContainer(pod({}, { initContainers: [{}] })), /one container/],
  ])('refuses %s by name', (_what, ask, message) => {
    expect(ask).toThrow(message);
  });

  it.each([
    ['another image', 'ErrImageNotAvailable', () => runnableContainer(pod({ image: 'nginx' }))],
    ['a command', 'CreateContainerConfigError', () => runnableContainer(pod({ command: ['sh'] }))],
    ['init containers', 'CreateContainerConfigError', () => runnableContainer(pod({}, { initContainers: [{}] }))],
    ['an unknown field', 'CreateContainerConfigError', () => field('status.phase')],
    [
      'a memory limit that is no quantity',
      'CreateContainerConfigError',
      () => memoryLimit(runnableContainer(pod({ resources: { limits: { memory: 'much' } } }))),
    ],
    [
      'a fault of the machine',
      'CreateContainerError',
      () => {
        throw new Error('no space left on device');
      },
    ],
  ])('waitingReason: for %s is %s', (_what, reason, ask) => {
    let caught: unknown;
    try {
      ask();
    } catch (error) {
      caught = error;
    }
    expect(waitingReason(caught)).toBe(reason);
  });

  it('probePort, gracePeriodMs: come from the Pod, else from defaults', () => {
    expect(probePort({ name: 'agent' })).toBe(9091);
    const readinessProbe = { httpGet: { path: '/readyz', port: 6000 } };
    expect(probePort({ name: 'agent', readinessProbe })).toBe(6000);
    expect(gracePeriodMs(pod())).toBe(30_000);
    expect(gracePeriodMs(pod({}, { terminationGracePeriodSeconds: 5 }))).toBe(5000);
    const metadata = { name: 'a', deletionGracePeriodSeconds: 0 };
    const deleted = Object.assign(pod(), { metadata });
    expect(gracePeriodMs(deleted)).toBe(0);
  });
});
