import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { TemplateSigner } from '@fsb/placement/vouched-template';
import { AgentPki } from '../../../../test/support/agent-pki';
import { agentRequest, validateCreate } from './validated-create';

const DEFAULTS = {
  mode: 'fast',
  agentPort: 5758,
  allowedRegistries: ['docker.io', 'ghcr.io/owner'],
  nowNanos: 1n,
  now: 0,
} as const;
const order = (more: Parameters<typeof CreateRequest.fromPartial>[0]) =>
  validateCreate(CreateRequest.fromPartial({ name: 'box', poolRef: 'pool', image: 'busybox', ...more }), DEFAULTS);

it('agentRequest: expands words for the agent, and leaves the object as the caller wrote it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fsb-order-'));
  const signer = new TemplateSigner((await AgentPki.make(folder)).client);
  rmSync(folder, { recursive: true });
  const words = { envs: { A: 'a', B: '$(A)b' }, command: ['echo', '$(B)'], args: ['$$(A)', '$(NONE)'] };
  const made = order({ ...words, imagePullPolicy: 'Never' });
  expect(agentRequest(made, signer)).toMatchObject({
    ...{ env: { A: 'a', B: 'ab' }, command: ['echo', 'ab'], args: ['$(A)', '$(NONE)'], imagePullPolicy: 'Never' },
    object: { spec: { command: ['echo', '$(B)'], args: ['$$(A)', '$(NONE)'], imagePullPolicy: 'Never' } },
  });
});

it.each(['Always', 'IfNotPresent', 'Never'] as const)('validateCreate: keeps the pull policy %s', (policy) => {
  const made = order({ imagePullPolicy: policy });
  expect(made.spec.imagePullPolicy).toBe(policy);
  expect(order({}).spec).not.toHaveProperty('imagePullPolicy');
});

it.each(['quay.io/a/b', '127.0.0.1:5000/a', 'ghcr.io/other/app'])(
  'validateCreate: refuses %s, of a registry that is not allowed',
  (image) => {
    expect(() => order({ image })).toThrow(
      /^image: .* is of no registry that --allowed-registries of the gateway allows: docker\.io/,
    );
  },
);

it.each(['always', 'Sometimes', ' '])('validateCreate: refuses the pull policy "%s"', (policy) => {
  expect(() => order({ imagePullPolicy: policy })).toThrow(
    `image_pull_policy: "${policy}" must be Always, IfNotPresent, Never, or empty`,
  );
});

it.each([
  ['args', { args: ['é'.repeat(65_536)] }],
  ['envs', { envs: { X: 'é'.repeat(70_000) } }],
  ['envs', { envs: { 'A=B': 'c' } }],
])('validateCreate: refuses %s that the kernel would not accept', (field, more) => {
  expect(() => order(more)).toThrow(new RegExp(`^${field}: `));
});

it.each(['-dash', '.dot', '1digit', 'Section:Key', 'a b'])('validateCreate: accepts a variable %s', (name) => {
  expect(order({ envs: { [name]: 'v' } }).envs).toEqual({ [name]: 'v' });
});

it('validateCreate: refuses labels of the group sandbox.fast.io, and of no group that only ends like it', () => {
  expect(order({ labels: { 'mysandbox.fast.io/team': 'a' } }).labels).toEqual({ 'mysandbox.fast.io/team': 'a' });
  for (const prefix of ['sandbox.fast.io', 'a.sandbox.fast.io'])
    expect(() => order({ labels: { [`${prefix}/team`]: 'a' } })).toThrow(/^labels: .*system/);
});
