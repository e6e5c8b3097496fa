import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { oldKubectl } from '../support/old-kubectl';

const ROOT = resolve(__dirname, '../..');
const OVERLAYS = ['current', 'kubernetes-1.20'] as const;
const Rule = z.object({ resources: z.array(z.string()), verbs: z.array(z.string()) });
const Manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
  rules: z.array(Rule).optional(),
});
type Manifest = z.infer<typeof Manifest>;

function parsed(text: string): Map<string, Manifest> {
  const all = parseAllDocuments(text, { logLevel: 'error' }).map((document) => Manifest.parse(document.toJS()));
  return new Map(all.map((one) => [`${one.kind} ${one.metadata.name}`, one]));
}

function rendered(overlay: string, kubectl = 'kubectl'): Map<string, Manifest> {
  const folder = join(ROOT, 'k8s/overlays', overlay);
  return parsed(
    execFileSync(kubectl, ['kustomize', folder], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  );
}

const rulesOf = (of: string): z.infer<typeof Rule>[] =>
  rendered('current').get(`ClusterRole fast-sandbox-${of}`)?.rules ?? [];

it.each(OVERLAYS)(
  'overlay %s: the oldest supported kubectl renders the same as the installed one',
  (overlay) => {
    expect(rendered(overlay, oldKubectl())).toEqual(rendered(overlay));
  },
  60_000,
);

it('overlays: differ only by the version of the disruption budgets', () => {
  const [current, old] = OVERLAYS.map((overlay) => [...rendered(overlay).values()]);
  const budgets = old?.filter(({ kind }) => kind === 'PodDisruptionBudget') ?? [];
  expect(new Set(budgets.map(({ apiVersion }) => apiVersion))).toEqual(new Set(['policy/v1beta1']));
  const newer = ({ apiVersion, ...rest }: Manifest): object => ({
    ...rest,
    apiVersion: apiVersion.replace('policy/v1beta1', 'policy/v1'),
  });
  expect(old?.map(newer)).toEqual(current);
});

it('install.yaml: equals the output of make manifests', () => {
  const now = execFileSync(join(ROOT, 'scripts/install-manifest.sh'), { encoding: 'utf8' });
  expect(parsed(readFileSync(join(ROOT, 'k8s/install.yaml'), 'utf8'))).toEqual(parsed(now));
});

it('manifests: name the images of this version everywhere', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const files = [
    'k8s/install.yaml',
    'k8s/samples/pool.yaml',
    'k8s/samples/isolated-pool.yaml',
    'k8s/images/Dockerfile',
  ];
  for (const file of files) {
    const tags = [...readFileSync(join(ROOT, file), 'utf8').matchAll(/fast-sandbox\/[\w-]+:([\w.-]+)/g)].map(
      ([, tag]) => tag,
    );
    expect(new Set(tags)).toEqual(new Set([version]));
  }
});

it('ClusterRoles: grant each service only what it uses', () => {
  const verbs = (of: string, resource: string): string[] =>
    rulesOf(of).flatMap((rule) => (rule.resources.includes(resource) ? rule.verbs : []));
  expect(verbs('janitor', 'pods')).toEqual(['get', 'list', 'watch']);
  expect(verbs('fastpath-gateway', 'secrets')).toEqual([]);
  expect(verbs('fastpath-gateway', 'pods')).toEqual(['get', 'list', 'watch']);
  expect(verbs('sandbox-controller', 'secrets')).toEqual(['get']);
  const all = ['fastpath-gateway', 'sandbox-controller', 'pool-controller', 'janitor'].flatMap((of) => rulesOf(of));
  expect(all.filter(({ resources, verbs: may }) => [...resources, ...may].includes('*'))).toEqual([]);
});
