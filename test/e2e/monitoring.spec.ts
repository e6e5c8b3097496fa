import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { eventually } from '../support/eventually';
import { Exposition } from '../support/exposition';
import { oldKubectl } from '../support/old-kubectl';
import { type Matcher, readQuery } from '../support/promql';
import { Stack } from '../support/stack';

const ROOT = resolve(__dirname, '../..');
const OVERLAY = join(ROOT, 'k8s/overlays/monitoring');
const SERVICES = ['fastpath-gateway', 'sandbox-controller', 'pool-controller', 'janitor'];
const JOBS = [...SERVICES, 'node-agent'];
/** Metrics of Prometheus itself and of kube-state-metrics. */
const FOREIGN = new Set(['up', 'kube_pod_container_resource_limits']);
/** Labels that Prometheus and the PodMonitors add to each series. */
const TARGET_LABELS = new Set(['job', 'pod', 'namespace', 'pool']);

interface Relabeling {
  readonly targetLabel: string;
  readonly replacement?: string;
}
interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}
interface PodTemplate {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: { readonly containers: readonly { readonly ports?: readonly { readonly name: string }[] }[] };
}
interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template?: PodTemplate;
    readonly podMetricsEndpoints: readonly { readonly port?: string; readonly relabelings: readonly Relabeling[] }[];
  };
}

function render(kubectl: string, folder = OVERLAY): Rendered[] {
  const text = execFileSync(kubectl, ['kustomize', folder], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return parseAllDocuments(text).map((document) => document.toJS() as Rendered);
}

describe('The monitoring overlay', () => {
  const objects = render('kubectl');
  const rules = objects.flatMap(({ kind, spec }) =>
    kind === 'PrometheusRule' ? spec.groups.flatMap((group) => group.rules) : [],
  );
  const dashboard = objects.find(({ metadata }) => metadata.name === 'fast-sandbox-dashboard');
  const { panels } = JSON.parse(dashboard?.data?.['fast-sandbox.json'] ?? '{}') as { panels: Panel[] };
  const relabelings = objects.flatMap(({ kind, spec }) =>
    kind === 'PodMonitor' ? spec.podMetricsEndpoints.flatMap((endpoint) => endpoint.relabelings) : [],
  );
  const exposed = new Exposition();
  let stack: Stack;

  beforeAll(async () => {
    stack = await Stack.start();
    await stack.kubectl('apply', '-f', 'k8s/samples/pool.yaml');
    await stack.kubectl('wait', '--for=condition=Ready', 'pod', '-l', 'app=sandbox-agent', '--timeout=60s');
    await eventually(() => stack.fsbCtl('run', 'one', '--image', 'busybox', '--', '/bin/sleep', '1000'), 20_000, 500);
    await stack.kubectl('wait', '--for=condition=Ready', 'sandbox', 'one', '--timeout=30s');
    for (const name of SERVICES) exposed.add(await metricsOf(addressOf(await stack.pid(name))));
    const [, port = ''] = /\$1:(\d+)/.exec(JSON.stringify(relabelings)) ?? [];
    const podIp = await stack.kubectl(
      'get',
      'pod',
      '-l',
      'app=sandbox-agent',
      '-o',
      'jsonpath={.items[0].status.podIP}',
    );
    exposed.add(await metricsOf(`${podIp}:${port}`));
  }, 200_000);

  afterAll(() => stack.end(), 120_000);

  const addressOf = (pid: number): string => {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return words[words.lastIndexOf('--metrics-bind-address') + 1] ?? '';
  };

  const metricsOf = async (address: string): Promise<string> => {
    const answer = await fetch(`http://${address}/metrics`);
    expect(answer.status).toBe(200);
    return answer.text();
  };

  /** Metrics, label values and labels that an expression uses and no process exposes. */
  const missing = (expression: string): string[] => {
    const { selectors, grouping } = readQuery(expression.replaceAll('$__rate_interval', '5m'));
    const own = selectors.filter(({ metric }) => !FOREIGN.has(metric));
    const known = new Set(own.flatMap(({ metric }) => exposed.labels(metric).flatMap((labels) => Object.keys(labels))));
    const isFilled = own.every(({ metric }) => exposed.labels(metric).length > 0);
    return [
      ...own.flatMap(({ metric }) => (exposed.has(metric) ? [] : [metric])),
      ...selectors.flatMap(({ metric, matchers }) =>
        matchers
          .filter(({ label }) => label === 'job' || !FOREIGN.has(metric))
          .flatMap((matcher) => unmatched(metric, matcher)),
      ),
      ...grouping.filter((label) => isFilled && !known.has(label) && !TARGET_LABELS.has(label)),
    ];
  };

  const unmatched = (metric: string, { label, operator, value }: Matcher): string[] => {
    const values = new Set(label === 'job' ? JOBS : exposed.labels(metric).map((labels) => labels[label]));
    if (/^[\w|-]+$/.test(value)) {
      return value.split('|').flatMap((one) => (values.has(one) ? [] : [`${metric}{${label}="${one}"}`]));
    }
    // a pattern may name values that a healthy stack does not have: only the label is checked
    return operator === '=~' && [...values].some((one) => one !== undefined) ? [] : [`${metric}{${label}}`];
  };

  it('renders the same with kubectl 1.20 as with the current kubectl', () => {
    const byName = (all: Rendered[]): Rendered[] =>
      all.sort((one, other) => `${one.kind}${one.metadata.name}`.localeCompare(`${other.kind}${other.metadata.name}`));
    expect(byName(render(oldKubectl()))).toEqual(byName([...objects]));
    expect(dashboard?.metadata.labels).toEqual({ grafana_dashboard: '1' });
    expect(objects.map(({ kind }) => kind).sort()).toEqual(
      ['ConfigMap', 'NetworkPolicy', ...JOBS.map(() => 'PodMonitor'), 'PrometheusRule'].sort(),
    );
  });

  it('gives each process the job name that the alerts use', () => {
    const jobs = relabelings.flatMap(({ targetLabel, replacement }) => (targetLabel === 'job' ? [replacement] : []));
    expect([...jobs].sort()).toEqual([...JOBS].sort());
  });

  it('selects the Pods of the base by existing labels and ports', () => {
    const templates = render('kubectl', join(ROOT, 'k8s/base')).flatMap(({ kind, spec }) =>
      kind === 'Deployment' || kind === 'DaemonSet' ? (spec.template ?? []) : [],
    );
    const monitors = objects.filter(({ kind, metadata }) => kind === 'PodMonitor' && metadata.name !== 'node-agent');
    for (const { metadata, spec } of monitors) {
      const found = templates.filter(({ metadata: { labels } }) =>
        Object.entries(spec.selector.matchLabels).every(([label, value]) => labels[label] === value),
      );
      const ports = found.flatMap((template) => template.spec.containers.flatMap((container) => container.ports ?? []));
      expect([metadata.name, ports.map(({ name }) => name)]).toEqual([
        metadata.name,
        expect.arrayContaining(spec.podMetricsEndpoints.map(({ port }) => port)),
      ]);
    }
  });

  it('has no panel that queries an absent series', () => {
    const asked = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
    expect(asked.length).toBeGreaterThan(40);
    expect(asked.flatMap(({ title, expr }) => missing(expr).map((what) => `${title}: ${what}`))).toEqual([]);
  });

  it('has no alert that queries an absent series', () => {
    expect(rules.length).toBeGreaterThan(10);
    expect(rules.flatMap(({ alert, expr }) => missing(expr).map((what) => `${alert}: ${what}`))).toEqual([]);
  });

  it('finds a misspelt name, label or value', () => {
    expect(missing('sum(rate(fastpath_create_total[5m]))')).toEqual(['fastpath_create_total']);
    expect(missing('sum by (cod) (fastpath_creates_total)')).toEqual(['cod']);
    expect(missing('fastpath_creates_total{code=~"ok|okay"}')).toEqual(['fastpath_creates_total{code="okay"}']);
    expect(() => missing('sum(rate(')).toThrow('not PromQL');
  });

  it('has every alert and metric of docs/operations.md, and no other alert', () => {
    const text = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
    const described = [...text.matchAll(/^### (FastSandbox\w+)$/gm)].map(([, name]) => name);
    expect([...described].sort()).toEqual(rules.map(({ alert }) => alert).sort());
    const [, table = ''] = text.split('\n## Metrics\n');
    const names = [...(table.split('\n## ')[0] ?? '').matchAll(/^\| `(\w+)/gm)].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(15);
    expect(names.filter((name) => !exposed.has(name) && !exposed.has(`${name}_count`))).toEqual([]);
  });
});
