const only = (name, from, pathNot, comment) => ({ name, severity: 'error', comment, from, to: pathNot });
module.exports = {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-app-to-app',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/([^/]+)/', pathNot: '^apps/$1/' },
    },
    {
      name: 'no-lib-to-app',
      severity: 'error',
      from: { path: '^libs/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^(apps|test)/' },
    },
    {
      name: 'no-foreign-internal',
      severity: 'error',
      from: { path: '^(apps|libs)/([^/]+)/' },
      to: { path: '^libs/([^/]+)/src/internal/', pathNot: '^libs/$2/' },
    },
    only(
      'api-is-vocabulary',
      { path: '^libs/api/src/(?!gen/)' },
      { path: '^(libs/(?!api/)|node_modules/(?!zod|@grpc/grpc-js|@bufbuild))' },
      'libs/api has types and vocabulary only: no I/O, no Nest.',
    ),
    only(
      'registry-is-pure',
      { path: '^libs/registry/', pathNot: '\\.spec\\.ts$' },
      { path: '^(libs/(?!registry/|api/)|node_modules/|(fs|net|http|child_process)$)' },
      'libs/registry is pure and synchronous.',
    ),
    only(
      'kit-is-plain',
      { path: '^libs/kit/', pathNot: '\\.spec\\.ts$' },
      { path: '^(libs/(?!kit/)|node_modules/|(fs|net|http|child_process)$)' },
      'libs/kit has small functions of two users or more: no library, no I/O.',
    ),
    only(
      'node-is-names',
      { path: '^libs/node/', pathNot: '\\.spec\\.ts$' },
      { path: '^(libs/(?!node/)|node_modules/|(fs|net|http|child_process)$)' },
      'libs/node says what is where on a node; who uses it reads and removes it.',
    ),
    only(
      'kubernetes-only-through-controller-runtime',
      { path: '^(apps|libs)/', pathNot: '^(libs/controller-runtime/|apps/standalone/)' },
      { path: 'node_modules/@kubernetes/client-node', dependencyTypesNot: ['type-only'] },
      "Only controller-runtime talks to Kubernetes; others may take client-node's types.",
    ),
    only(
      'agent-without-kubernetes',
      { path: '^apps/node-agent/' },
      { path: '^libs/controller-runtime/|node_modules/@kubernetes' },
      'The agent runs in the hot path and in every Pod: client-node costs 65 MB and half a second.',
    ),
    only(
      'cli-is-light',
      { path: '^apps/fsb-ctl/' },
      { path: '^libs/(component-base|containerd|registry|controller-runtime)/|node_modules/@nestjs' },
      'fsb-ctl starts in tens of milliseconds.',
    ),
    {
      name: 'testing-stays-in-tests',
      severity: 'error',
      from: { pathNot: '\\.spec\\.ts$|^test/|/testing/' },
      to: { path: '/testing/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['require', 'node', 'default', 'types'],
    },
  },
};
