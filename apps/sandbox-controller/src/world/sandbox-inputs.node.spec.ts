import { join } from 'node:path';
import { API_VERSION, type EnvVar, type Sandbox, type SandboxSpec } from '@fsb/api/sandbox';
import { type SandboxPool, type SandboxPoolSpec } from '@fsb/api/sandbox-pool';
import { CONFIG_MAP_KIND, SECRET_KIND } from '@fsb/controller-runtime/kinds';
import { KubeClient, loadKubeConfig } from '@fsb/controller-runtime/kube-client';
import { ApiserverProcess } from '../../../../test/support/apiserver-process';
import { type Inputs } from '../plan/world';
import { SandboxInputs } from './sandbox-inputs';

jest.setTimeout(30_000);
const namespace = 'default';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const AUTHS = JSON.stringify({ auths: { 'ghcr.io': { username: 'me', password: 'secret' } } });

describe('SandboxInputs', () => {
  let server: ApiserverProcess;
  let inputs: SandboxInputs;
  const said: string[] = [];

  beforeAll(async () => {
    server = await ApiserverProcess.start();
    const client = new KubeClient(loadKubeConfig(join(server.folder, 'kubeconfig')));
    inputs = new SandboxInputs(
      client,
      {
        record: (_object, _type, reason, message) => said.push(`${reason}: ${message}`),
      },
      ['docker.io', 'ghcr.io/owner'],
    );
    const secrets = {
      creds: { a: base64('grün'), price: base64('a$$b') },
      regcred: { '.dockerconfigjson': base64(AUTHS) },
    };
    for (const [name, data] of Object.entries(secrets)) {
      await client.create(SECRET_KIND, { metadata: { name, namespace }, data });
    }
    const app = { app: 'sandbox-agent' };
    const keys = { 'tls.key': base64('k'), '.dockerconfigjson': base64(AUTHS) };
    for (const [name, type, labels] of [
      ['agent-tls', 'Opaque', app],
      ['web-tls', 'kubernetes.io/tls', {}],
      ['account', 'kubernetes.io/service-account-token', {}],
    ] as const) {
      await client.create(SECRET_KIND, { metadata: { name, namespace, labels }, type, data: keys });
    }
    await client.create(CONFIG_MAP_KIND, { metadata: { name: 'conf', namespace }, data: { b: 'x=1' } });
  });
  afterAll(() => server.end());

  const resolve = (spec: Partial<SandboxSpec>, poolSpec: SandboxPoolSpec = {}): Promise<Inputs> => {
    const metadata = { name: 'box', namespace };
    const sandbox: Sandbox = {
      ...{ apiVersion: API_VERSION, kind: 'Sandbox', metadata },
      spec: { image: 'busybox', poolRef: 'pool', ...spec },
    };
    const pool: SandboxPool = { apiVersion: API_VERSION, kind: 'SandboxPool', metadata, spec: poolSpec };
    return inputs.resolve(sandbox, pool, new AbortController().signal);
  };
  const secret = (name: string, key: string, optional?: boolean): EnvVar => {
    return { name: 'A', valueFrom: { secretKeyRef: { name, key, ...(optional === undefined ? {} : { optional }) } } };
  };
  const map = (name: string, key: string): EnvVar => ({ name: 'A', valueFrom: { configMapKeyRef: { name, key } } });

  it.each([
    ['quay.io/a/b', {}, '--allowed-registries of the sandbox-controller allows: docker.io, ghcr.io/owner'],
    ['busybox', { allowedRegistries: ['ghcr.io'] }, 'spec.allowedRegistries of SandboxPool "box" allows: ghcr.io'],
  ])('refuses image %s of a registry that is not allowed (%j)', async (image, poolSpec, why) => {
    const message = expect.stringContaining(`is of no registry that ${why}`) as string;
    expect(await resolve({ image }, poolSpec)).toEqual({ state: 'invalid', message });
  });

  it.each<[string, EnvVar[], Record<string, string>]>([
    ['no variables', [], {}],
    ['plain variables', [{ name: 'A', value: '1' }, { name: 'B' }], { A: '1', B: '' }],
    ['a secret', [secret('creds', 'a')], { A: 'grün' }],
    ['a config map', [map('conf', 'b')], { A: 'x=1' }],
    ['a missing optional secret', [secret('none', 'a', true)], {}],
    ['a missing optional key', [secret('creds', 'z', true), { name: 'B', value: '2' }], { B: '2' }],
  ])('resolves %s', async (_what, envs, env) => {
    expect(await resolve({ envs })).toEqual({ state: 'resolved', env, pullSecrets: [], resources: {} });
  });

  it('expands command, args and values as the kubelet does, but not values of secrets', async () => {
    const envs = [secret('creds', 'price'), { name: 'B', value: '<$(A)>' }, { name: 'C', value: '$$(A)' }];
    expect(await resolve({ envs, command: ['/bin/echo', '$(B)'], args: ['$(C)', '$(NONE)'] })).toMatchObject({
      env: { A: 'a$$b', B: '<a$$b>', C: '$(A)' },
      ...{ command: ['/bin/echo', '<a$$b>'], args: ['$(A)', '$(NONE)'] },
    });
  });

  it.each<[string, EnvVar, string, string]>([
    ['a secret', secret('none', 'a'), 'missing', 'envs[0] (A): secret "none" does not exist'],
    ['a key of a secret', secret('creds', 'z'), 'missing', 'envs[0] (A): secret "creds" has no key "z"'],
    ['a config map', map('none', 'a'), 'missing', 'envs[0] (A): configmap "none" does not exist'],
    [
      'an unsupported form',
      { name: 'A', valueFrom: { fieldRef: {} } as never },
      'invalid',
      'envs[0] (A).valueFrom: fieldRef is not supported',
    ],
    [
      'a value and a reference',
      { name: 'A', value: 'x', valueFrom: { secretKeyRef: { name: 'creds', key: 'a' } } },
      'invalid',
      'exclude each other',
    ],
    ['no form', { name: 'A', valueFrom: {} }, 'invalid', 'not exactly one form'],
  ])('reports %s that it cannot resolve', async (_what, variable, state, message) => {
    expect(await resolve({ envs: [variable] })).toEqual({ state, message: expect.stringContaining(message) as string });
  });

  it.each([
    ['agent-tls', "it is an agent's key"],
    ['web-tls', 'is of type kubernetes.io/tls'],
    ['account', 'is of type kubernetes.io/service-account-token'],
  ])('refuses secret %s, which holds an identity, as a variable and to pull with', async (name, why) => {
    const message = expect.stringContaining(why) as string;
    expect(await resolve({ envs: [secret(name, 'tls.key')] })).toEqual({ state: 'invalid', message });
    expect(await resolve({ envs: [secret(name, 'none', true)] })).toEqual({ state: 'invalid', message });
    expect(await resolve({ imagePullSecrets: [{ name }] })).toEqual({ state: 'invalid', message });
  });

  it('records which secrets were read for a sandbox', async () => {
    said.length = 0;
    await resolve({ envs: [secret('creds', 'a')], imagePullSecrets: [{ name: 'regcred' }, { name: 'none' }] });
    await resolve({ envs: [map('conf', 'b')] });
    expect(said).toEqual(['SecretsRead: Secrets read for it: creds, regcred']);
  });

  it('refuses more than 100 Secrets before it has read them all', async () => {
    const names = (many: number): { name: string }[] => Array.from({ length: many }, (_, n) => ({ name: `none-${n}` }));
    expect(await resolve({ imagePullSecrets: names(100) })).toMatchObject({ state: 'resolved' });
    const message = expect.stringContaining('may name at most 100 Secrets and ConfigMaps') as string;
    expect(await resolve({ imagePullSecrets: names(60_000) })).toEqual({ state: 'invalid', message });
    expect(await resolve({ envs: [map('conf', 'b')], imagePullSecrets: names(100) })).toEqual({
      state: 'invalid',
      message,
    });
  });

  it('refuses an invalid image name', async () => {
    expect(await resolve({ image: 'UPPER/Case' })).toMatchObject({ state: 'invalid' });
  });

  it('merges pull secrets and resources of sandbox and pool', async () => {
    const spec = { imagePullSecrets: [{ name: 'gone' }], resources: { cpu: '1' } };
    const pool: SandboxPoolSpec = {
      imagePullSecrets: [{ name: 'regcred' }],
      sandboxDefaults: { resources: { cpu: '500m', memory: '64Mi' } },
    };
    expect(await resolve(spec, pool)).toEqual({
      ...{ state: 'resolved', env: {}, resources: { cpu: '1', memory: '64Mi' } },
      pullSecrets: [{ host: 'ghcr.io', username: 'me', password: 'secret' }],
    });
    expect(await resolve({ imagePullSecrets: [{ name: 'creds' }] })).toMatchObject({ state: 'missing' });
  });
});
